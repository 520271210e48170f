"""Lazy packages: import a public name from its module on first use.

A package declares its public names once, in the stub `__init__.pyi` beside its `__init__.py`. Type
checkers read the stub as written; at run time the same stub maps each name to its module.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path


def attach(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the `__getattr__` and `__dir__` of a package whose stub declares its public names."""

    def load(name: str) -> object:
        if name == "__all__":
            return sorted(homes(package))
        if name not in homes(package):
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes(package)[name]), name)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes(package)})

    return load, names


@cache
def homes(package: str) -> dict[str, str]:
    """Return the module of each public name of a package, as its stub declares them."""
    from ast import ImportFrom, parse  # on first use only: the command line needs no public name

    stub = Path(str(sys.modules[package].__file__)).with_suffix(".pyi")
    imports = [node for node in parse(stub.read_text("utf-8")).body if isinstance(node, ImportFrom)]
    return {alias.name: node.module or package for node in imports for alias in node.names}
