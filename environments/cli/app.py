"""App: the `envchart` command, put together from its subcommands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Annotated, Any

import typer

from environments.cli.registry import CommandGroup
from environments.cli.settings import Settings, with_settings

_EXIT_CODES = (
    "Exit codes: 0 done, 1 unexpected, 2 usage or invalid configuration, 3 not found, 4 not allowed in "
    "this state, 5 conflict (locked, changed, exists), 6 a step failed, 7 unusable storage, 8 a check "
    "found a difference, 9 a command was interrupted, 128+n ended by a signal."
)


def build() -> typer.Typer:
    """Return the application; its subcommands are built when they are asked for."""
    app = typer.Typer(
        name="envchart",
        cls=CommandGroup,
        pretty_exceptions_enable=False,
        epilog=_EXIT_CODES,
    )
    app.callback()(with_settings(_root))
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"envchart {version('envchart')}\n")
        raise typer.Exit


def _root(
    settings: Settings,
    version: Annotated[
        bool,
        typer.Option(
            "--version", metavar="", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Bring deployment environments up and down, and never wonder what state one is in."""
    del settings, version


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    settings = Settings(json="--json" in arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    return _invoke(arguments, settings)


def _invoke(arguments: list[str], settings: Settings) -> int:
    command: Any = typer.main.get_command(build())  # Any: typer's own class, which it does not export
    try:
        result = command.main(args=arguments, prog_name="envchart", standalone_mode=False, obj=settings)
        return result if isinstance(result, int) else 0
    except (Exception, KeyboardInterrupt) as error:  # the outermost loop: whatever it is, it is told
        from environments.cli.exits import conclude

        return conclude(error, settings)
