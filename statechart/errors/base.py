"""The root of the errors, and the places that they name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

Where: TypeAlias = "str | Path"
"""A place in a store: the path of a file or directory, or the URL of a database, without its password."""


class StatechartError(Exception):
    """The root of this package's errors.

    Subclasses are built from facts, which stay readable as attributes and survive pickling.
    """

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        return _restore, (type(self), self.args), self.__dict__


def _restore(kind: type[StatechartError], args: tuple[Any, ...]) -> StatechartError:
    error = kind.__new__(kind, *args)
    error.args = args
    return error
