"""Settings: the options that are taken before and after every subcommand."""

from __future__ import annotations

import inspect
import math
import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

DATA_DIR_VARIABLE = "ENVCHART_DATA_DIR"
NETWORK_VARIABLE = "ENVCHART_ALLOW_NETWORK_FILESYSTEM"
DEFAULT_DATA_DIR = "data"

DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help=f"Where the environments are kept; by default ${DATA_DIR_VARIABLE}, or ./{DEFAULT_DATA_DIR}.",
        show_default=False,
        rich_help_panel="Everywhere",
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option(
        "--json", metavar="", help="Print one JSON document as the result.", rich_help_panel="Everywhere"
    ),
]
VerboseOption = Annotated[
    int,
    typer.Option(
        "-v",
        "--verbose",
        count=True,
        metavar="",
        help="Log transitions to stderr; -vv logs all.",
        show_default=False,
        rich_help_panel="Everywhere",
    ),
]
LogFileOption = Annotated[
    Path | None,
    typer.Option(
        "--log-file",
        metavar="FILE",
        help="Append everything logged to a file, a JSON object a line.",
        show_default=False,
        rich_help_panel="Everywhere",
    ),
]
LockTimeoutOption = Annotated[
    float,
    typer.Option(
        "--lock-timeout",
        min=0,
        metavar="SECONDS",
        help="How long to wait while another command changes the environment.",
    ),
]

_GLOBAL: dict[str, tuple[Any, Any]] = {  # Any: annotations, and defaults of several types
    "data_dir": (DataDirOption, None),
    "json": (JsonOption, False),
    "verbose": (VerboseOption, 0),
    "log_file": (LogFileOption, None),
}
_LOCK = {"lock_timeout": (LockTimeoutOption, 0.0)}


@dataclass
class Settings:
    """What holds for one run of the command line; `chosen_data_dir` is the one that was typed."""

    json: bool = False
    verbosity: int = 0
    log_file: Path | None = None
    chosen_data_dir: Path | None = None
    lock_timeout: float = 0.0
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    @property
    def data_dir(self) -> Path:
        """Where the environments are kept."""
        return self.chosen_data_dir or Path(self.environment.get(DATA_DIR_VARIABLE) or DEFAULT_DATA_DIR)

    @property
    def allow_network_filesystem(self) -> bool:
        """Whether somebody vouches that no other machine writes to the data directory."""
        return self.environment.get(NETWORK_VARIABLE, "").lower() in ("1", "true", "yes")

    def spell(self, words: str, name: str | None = None) -> str:
        """Return a command as it can be typed now; `NAME` in it stands for the environment's name."""
        spelled = words.replace("NAME", name if name is not None else "NAME")
        where = (
            f" --data-dir {shlex.quote(str(self.chosen_data_dir))}"
            if self.chosen_data_dir is not None
            else ""
        )
        return f"envchart {spelled}{where}"

    def take(self, given: dict[str, Any]) -> None:  # Any: values as typer parsed them
        """Take over options; what was typed after the subcommand wins.

        Raises:
            typer.BadParameter: A value makes no sense.
        """
        directory = given["data_dir"]
        if directory is not None:
            if "\0" in str(directory):
                raise typer.BadParameter("it names no directory", param_hint="--data-dir")
            self.chosen_data_dir = directory
        self.json = self.json or given["json"]
        self.verbosity += given["verbose"]
        self.log_file = given["log_file"] or self.log_file
        timeout = given.get("lock_timeout", 0.0)
        if math.isnan(timeout):
            raise typer.BadParameter("it must be a number of seconds", param_hint="--lock-timeout")
        self.lock_timeout = timeout


def with_settings(handler: Callable[..., None], *, waiting: bool = False) -> Callable[..., None]:
    """Give a handler that takes `settings` the options that all subcommands share.

    Typer reads a function's signature: the handler's own parameters stay, `settings` goes, the
    shared options come, and their values reach the handler inside `settings`. A `waiting` one can wait
    for another command on the same environment.
    """
    shared = {**_GLOBAL, **_LOCK} if waiting else _GLOBAL
    own = [
        parameter
        for parameter in inspect.signature(handler, eval_str=True).parameters.values()
        if parameter.name != "settings"
    ]

    @wraps(handler)
    def handle(ctx: typer.Context, **given: Any) -> None:  # Any: values as typer parsed them
        settings: Settings = ctx.obj
        settings.take({name: given.pop(name) for name in shared})
        handler(settings=settings, **given)

    handle.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what inspect looks for
        [
            inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
            *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own),
            *(
                inspect.Parameter(
                    name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
                )
                for name, (annotation, default) in shared.items()
            ),
        ]
    )
    return handle
