"""Parameters: the types of arguments and options, and the options that programs share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from statechart.terminal.program.help_page import EverywhereOption

HandlerT = TypeVar("HandlerT", bound=Callable[..., Any] | click.Command)  # Any: a handler's parameters


_LONGEST = 60


class Decorator(Protocol):
    """Adds a parameter to the handler of a subcommand."""

    def __call__(self, handler: HandlerT, /) -> HandlerT:
        """Return the handler."""
        ...


def shortened(text: str) -> str:
    """Return the beginning of a typed text that is too long to be repeated."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


class PathType(click.Path):
    """A path as typed, completed by the shell."""

    # click checks whether a path is readable, and would report an unreadable file as a usage error.

    def convert(
        self,
        value: Any,  # Any: the base class takes whatever a default may be
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """Return the path. An empty path, as of an empty variable of the shell, would be this directory."""
        if value == "":
            self.fail("the path is empty", param, ctx)
        return Path(value)


class NotNegative(click.ParamType[float]):
    """A number of at least zero."""

    name = "number"

    def __init__(self, number: type[int] | type[float]) -> None:
        self._number = number

    def convert(
        self,
        value: Any,  # Any: the base class takes whatever a default may be
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Return the number."""
        kind = "whole number" if self._number is int else "number"
        try:
            found = self._number(value)
        except ValueError:
            found = -1
        if not found >= 0:  # this refuses nan as well
            self.fail(f"{shortened(str(value))!r} is not a {kind} of at least 0", param, ctx)
        if self._number is int and found > sys.maxsize:
            self.fail(f"{shortened(str(value))!r} is more than {sys.maxsize}", param, ctx)
        return found


def _take_json(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    ctx.obj.json = ctx.obj.json or value


def _take_verbosity(ctx: click.Context, param: click.Parameter, value: int) -> None:
    del param
    ctx.obj.verbosity += value


def _take_lock_timeout(ctx: click.Context, param: click.Parameter, value: float) -> None:
    del param
    ctx.obj.lock_timeout = value


# The same options stand before and after the subcommand. Each writes into the settings when it is
# parsed, so the later one wins and no handler has to take more parameters.
JSON = EverywhereOption(
    ["--json"],
    is_flag=True,
    expose_value=False,
    callback=_take_json,
    help="Print the result as one JSON document.",
)
VERBOSE = EverywhereOption(
    ["-v", "--verbose"],
    count=True,
    expose_value=False,
    callback=_take_verbosity,
    help="Log transitions to stderr; -vv logs everything.",
)


def lock_timeout(help: str) -> click.Option:
    """Return the option of the seconds to wait for another holder of the lock."""
    return click.Option(
        ["--lock-timeout"],
        metavar="SECONDS",
        type=NotNegative(float),
        default=0,
        show_default=True,
        expose_value=False,
        callback=_take_lock_timeout,
        help=help,
    )


STDOUT = Path("-")
"""The path that stands for stdout."""

places_argument: Decorator = click.argument(
    "places",
    metavar="[PATH]...",
    nargs=-1,
    type=PathType(),
    help="Pages and directories; by default README.md and docs.",
)
as_test_option: Decorator = click.option(
    "--as-test",
    metavar="[FILE]",
    is_flag=False,
    flag_value=str(STDOUT),
    type=PathType(),
    help="Print a pytest function that fires the recorded events, or write it to a file.",
)
