"""Parameters: the arguments and options that several subcommands share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from environments.cli.completion.values import (
    complete_field,
    complete_label,
    complete_name,
)
from environments.cli.help_page import EverywhereOption
from environments.cli.settings import DATA_DIR_VARIABLE, Settings
from environments.configuration.workspace_file import DEFAULT_DATA_DIR, WORKSPACE_FILE

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
        """Return the path. An empty one, as of an empty variable of the shell, would be this directory."""
        if value == "":
            self.fail("the path is empty", param, ctx)
        return Path(value)


def duration_of(seconds: float) -> timedelta:
    """Return a number of seconds as a duration, or the longest one if the number is too large."""
    longest = timedelta.max
    return timedelta(seconds=seconds) if seconds < longest.total_seconds() else longest


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


def _take_data_dir(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    if not value or "\0" in value:
        raise click.BadParameter("this is not the name of a directory", ctx, param)
    ctx.obj.chosen_data_dir = Path(value)


def _take_json(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    ctx.obj.json = ctx.obj.json or value


def _take_verbosity(ctx: click.Context, param: click.Parameter, value: int) -> None:
    del param
    ctx.obj.verbosity += value


def _take_log_file(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    del param
    ctx.obj.log_file = value or ctx.obj.log_file


def _take_lock_timeout(ctx: click.Context, param: click.Parameter, value: float) -> None:
    del param
    ctx.obj.lock_timeout = value


# The same options stand before and after the subcommand. Each writes into the settings when it is
# parsed, so the later one wins and no handler has to take four more parameters.
EVERYWHERE = (
    EverywhereOption(
        ["--data-dir"],
        metavar="DIR",
        expose_value=False,
        callback=_take_data_dir,
        help=f"The directory of environments; by default ${DATA_DIR_VARIABLE}, the one that "
        f"{WORKSPACE_FILE} names, or ./{DEFAULT_DATA_DIR}.",
    ),
    EverywhereOption(
        ["--json"],
        is_flag=True,
        expose_value=False,
        callback=_take_json,
        help="Print the result as one JSON document.",
    ),
    EverywhereOption(
        ["-v", "--verbose"],
        count=True,
        expose_value=False,
        callback=_take_verbosity,
        help="Log transitions to stderr; -vv logs everything.",
    ),
    EverywhereOption(
        ["--log-file"],
        metavar="FILE",
        type=PathType(),
        expose_value=False,
        callback=_take_log_file,
        help="Append every log message to a file, one JSON object per line.",
    ),
)
LOCK_TIMEOUT = click.Option(
    ["--lock-timeout"],
    metavar="SECONDS",
    type=NotNegative(float),
    default=0,
    show_default=True,
    expose_value=False,
    callback=_take_lock_timeout,
    help="Wait this long while another command changes the environment.",
)

name_argument: Decorator = click.argument(
    "name", help="The name of the environment.", shell_complete=complete_name
)
optional_name_argument: Decorator = click.argument(
    "name", required=False, help="The name of the environment.", shell_complete=complete_name
)
file_option: Decorator = click.option(
    "-f", "--file", metavar="FILE", type=PathType(), help="A YAML file that declares the environment."
)
app_option: Decorator = click.option(
    "--app", metavar="DIR", type=PathType(file_okay=False), help="The application's directory."
)
env_option: Decorator = click.option(
    "--env",
    metavar="K=V",
    multiple=True,
    help="A variable of the application; repeatable. For a secret, give its source instead of its value: "
    "K=@env:VARIABLE or K=@file:PATH.",
)
set_option: Decorator = click.option(
    "--set",
    "assign",
    metavar="KEY=VALUE",
    multiple=True,
    shell_complete=complete_field,
    help="A field of the declaration, as provider.port=8080 or labels.team=web; repeatable.",
)
unset_option: Decorator = click.option(
    "--unset",
    metavar="KEY",
    multiple=True,
    shell_complete=complete_field,
    help="A field that gets its default back, or an entry to remove, as provider.env.DEBUG; repeatable.",
)
previous_option: Decorator = click.option(
    "--previous", is_flag=True, help="The release that was healthy before the installed one."
)
yes_option: Decorator = click.option("-y", "--yes", is_flag=True, help="Do not ask for confirmation.")
label_option: Decorator = click.option(
    "--label",
    "label",
    metavar="K=V",
    multiple=True,
    shell_complete=complete_label,
    help="A label to select by, as team=web; repeatable.",
)
expires_option: Decorator = click.option(
    "--expires",
    metavar="TIME",
    help="The time after which the environment is no longer needed: a duration from its creation, as 8h or "
    "7d, or a time, as 2030-01-31T18:00Z.",
)


@dataclass(frozen=True, slots=True)
class TypedChanges:
    """The options that change a declaration, as typed for a subcommand."""

    command: str
    app: Path | None
    env: tuple[str, ...]
    assign: tuple[str, ...]
    unset: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.app is not None or bool(self.env or self.assign or self.unset)


def amending_options(handler: HandlerT) -> HandlerT:
    """Have a subcommand take changes of a declaration; its handler gets them as `typed`."""

    @wraps(handler)
    def amend(
        settings: Settings,
        *positional: Any,  # Any: as the handler takes them
        app: Path | None,
        env: tuple[str, ...],
        assign: tuple[str, ...],
        unset: tuple[str, ...],
        **others: Any,  # Any: likewise
    ) -> None:
        command = str(click.get_current_context().info_name)
        assert not isinstance(handler, click.Command)
        handler(settings, *positional, typed=TypedChanges(command, app, env, assign, unset), **others)

    declared: Any = amend  # Any: a handler of other parameters
    for option in (unset_option, set_option, env_option, app_option):
        declared = option(declared)
    return declared  # type: ignore[no-any-return]
