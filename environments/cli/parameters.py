"""Parameters: the arguments and options that several subcommands share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import click

from environments.cli.completion.values import (
    complete_field,
    complete_label,
    complete_name,
    one_of,
)
from environments.cli.settings import DATA_DIR_VARIABLE, STORE_VARIABLE, Settings
from environments.configuration.workspace_file import (
    DEFAULT_DATA_DIR,
    WORKSPACE_FILE,
    problem_of_store,
)
from statechart.terminal.program.help_page import EverywhereOption
from statechart.terminal.program.parameters import (
    JSON,
    VERBOSE,
    Decorator,
    HandlerT,
    PathType,
    lock_timeout,
)


def duration_of(seconds: float) -> timedelta:
    """Return a number of seconds as a duration, or the longest duration if the number is too large."""
    longest = timedelta.max
    return timedelta(seconds=seconds) if seconds < longest.total_seconds() else longest


def _take_data_dir(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    if not value or "\0" in value:
        raise click.BadParameter("this is not the name of a directory", ctx, param)
    ctx.obj.chosen_data_dir = Path(value)


def _take_store(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    if problem := problem_of_store(value):
        raise click.BadParameter(f"{problem}; a directory is named by --data-dir", ctx, param)
    ctx.obj.chosen_store = value


def _take_log_file(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
    del param
    ctx.obj.log_file = value or ctx.obj.log_file


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
        ["--store"],
        metavar="URL",
        expose_value=False,
        callback=_take_store,
        help="The database of environments, instead of a directory, as postgresql://USER@HOST/DATABASE; "
        f"by default ${STORE_VARIABLE}, or the one that {WORKSPACE_FILE} names. Options win over "
        "variables, and variables over the file.",
    ),
    JSON,
    VERBOSE,
    EverywhereOption(
        ["--log-file"],
        metavar="FILE",
        type=PathType(),
        expose_value=False,
        callback=_take_log_file,
        help="Append every log message to a file, one JSON object per line.",
    ),
)
LOCK_TIMEOUT = lock_timeout("Wait this long while another command changes the environment.")

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
on_expiry_option: Decorator = click.option(
    "--on-expiry",
    metavar="propose|destroy",
    shell_complete=one_of(("propose", "destroy")),
    help="What `timers run` does when it has expired; by default, it proposes the teardown.",
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
