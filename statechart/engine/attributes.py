"""The attributes of a class's objects, and the names that its code uses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial, partialmethod
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from types import CodeType, FunctionType


def attributes(owner: object) -> set[str] | None:
    """Return all names that the objects of a class may have, or None if only an object can tell.

    The owner may also be such an object.
    """
    if not isinstance(owner, type):
        # Of a factory, only the result could tell.
        return None if callable(owner) else {*dir(owner), *(attributes(type(owner)) or ())}
    found = set(dir(owner)) | getattr(owner, "model_fields", {}).keys() | _private(owner)
    if getattr(owner, "model_config", {}).get("extra") == "allow":
        return None
    for base in owner.__mro__[:-1]:
        body = vars(base)
        if base.__module__.partition(".")[0] in ("pydantic", "statechart", "statemachine", "typing"):
            continue
        if not base.__flags__ & _IN_PYTHON or "__getattr__" in body or "__getattribute__" in body:
            return None
        found |= body.get("__annotations__", {}).keys()
        # Names that methods use, such as those that `__init__` assigns.
        found |= {name for value in body.values() for code in codes(value) for name in called(code)}
    return None if found & _AT_WILL else found


_IN_PYTHON = 1 << 9  # of a class that a class statement made (Py_TPFLAGS_HEAPTYPE)
_AT_WILL = {"setattr", "vars"}  # functions that give an object attributes of any name


def _private(model: type) -> set[str]:
    return set(getattr(model, "__private_attributes__", None) or ())


def never_runs(function: object) -> str | None:
    """Return the reason why a call of a function does not run its body, or None if it does."""
    inner = getattr(function, "__func__", function)
    if iscoroutinefunction(inner) or isasyncgenfunction(inner):
        return "is async; do asynchronous work in a command, then fire"
    if isgeneratorfunction(inner):
        return "is a generator, whose body would not run; write it without `yield`"
    return None


def codes(value: object) -> Iterator[CodeType]:
    """Yield the code of a function, or of the functions that a property or a decorator holds."""
    match value:
        case FunctionType():
            yield value.__code__
            yield from codes(getattr(value, "__wrapped__", None))
        case staticmethod() | classmethod():
            yield from codes(value.__func__)
        case property():
            for function in (value.fget, value.fset, value.fdel):
                yield from codes(function)
        case cached_property() | partial() | partialmethod():
            yield from codes(value.func)


def called(code: CodeType) -> Iterator[str]:
    """Yield the names that code may call, also those that it gives to `getattr`."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, CodeType):
            yield from called(constant)
