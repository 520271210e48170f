"""Small wrong changes of modules, made for a while in the program that runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from inspect import getsource
from types import CodeType, FunctionType, ModuleType
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """A wrong change: the text that stands once in a module, and the text in its place."""

    name: str
    module: str
    text: str
    instead: str


@contextmanager
def applied(mutant: Mutant) -> Iterator[None]:
    """Have the functions of a module do what they would do after a change, until the block ends."""
    module = import_module(mutant.module)
    source = getsource(module)
    times = source.count(mutant.text)
    assert times == 1, f"{mutant.module} has the text of the mutant {mutant.name!r} {times} times: adapt it"
    changed = ModuleType(mutant.module)
    kept = sys.modules[mutant.module]
    sys.modules[mutant.module] = changed  # dataclasses look their module up
    try:
        exec(
            compile(source.replace(mutant.text, mutant.instead), f"<{mutant.name}>", "exec"), vars(changed)
        )
    finally:
        sys.modules[mutant.module] = kept
    others = dict(_functions(changed, mutant.module))
    before = [(function, function.__code__) for _, function in _functions(module, mutant.module)]
    differing = 0
    try:
        for name, function in _functions(module, mutant.module):
            differing += not _same(function.__code__, others[name].__code__)
            function.__code__ = others[name].__code__
        assert differing, f"{mutant.name}: no function differs"
        yield
    finally:
        for function, code in before:
            function.__code__ = code


def _functions(module: ModuleType, name: str) -> Iterator[tuple[str, FunctionType]]:
    for value in list(vars(module).values()):
        if getattr(value, "__module__", None) != name:
            continue
        members = vars(value).values() if isinstance(value, type) else [value]
        for member in members:
            function: Any = getattr(member, "fget", None) or getattr(member, "__func__", member)
            if isinstance(function, FunctionType) and function.__code__.co_filename != "<string>":
                yield function.__qualname__, function


def _same(one: CodeType, other: CodeType) -> bool:
    constants = [
        _same(*pair) if all(isinstance(each, CodeType) for each in pair) else repr(pair[0]) == repr(pair[1])
        for pair in zip(one.co_consts, other.co_consts, strict=False)
    ]
    return one.co_code == other.co_code and one.co_names == other.co_names and all(constants)
