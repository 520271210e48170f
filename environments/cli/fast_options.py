"""Plain values: what every subcommand takes is read without loading pydantic.

Typer (0.29) builds a pydantic validator for each option, given or not, which costs more than all
else that listing an empty directory does. A flag is a truth value already, a path is a text and a
count a number, so these get readers of their own. Where a typer has no place for them, nothing
changes but the time, and a test tells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


def _directory(text: Any) -> Path:
    if not str(text):
        raise typer.BadParameter("it names no directory", param_hint="--data-dir")
    return Path(text)


_READERS: dict[str | None, Callable[[Any], Any]] = {
    "data_dir": _directory,
    "log_file": Path,
    "verbose": int,
}


@dataclass(frozen=True, slots=True)
class _Plain:
    read: Callable[[Any], Any]

    def coerce(self, value: Any, **_context: Any) -> Any:  # Any: what the shell gave, or a default
        """Return what the option's value is, as typer's own readers do."""
        return value if value is None else self.read(value)


class PlainCommand(TyperCommand):
    """A subcommand whose flags, and whose options shared with all others, are read plainly."""

    def get_params(self, ctx: Any) -> list[Any]:  # Any: typer's own classes, which it does not export
        """Return the parameters, the help option included."""
        return _read_plainly(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """A group of subcommands whose own options are read plainly."""

    def get_params(self, ctx: Any) -> list[Any]:  # Any: typer's own classes, which it does not export
        """Return the parameters, the help option included."""
        return _read_plainly(super().get_params(ctx))


def _read_plainly(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        read = bool if getattr(parameter, "is_bool_flag", False) else _READERS.get(parameter.name)
        if read is not None and hasattr(parameter, "_runtime_param"):
            parameter._runtime_param = _Plain(read)
    return parameters
