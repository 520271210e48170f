"""App: the `envchart` command."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from types import ModuleType

import click

from environments.cli import VERSION
from environments.cli.group import OVERVIEW, CommandGroup
from environments.cli.parameters import EVERYWHERE
from environments.cli.settings import Settings
from statechart.terminal.output import write
from statechart.terminal.program.main import run_program


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    del param
    if value and not ctx.resilient_parsing:
        write(f"envchart {VERSION}\n")
        ctx.exit()


def _completion() -> ModuleType:
    # Needed to answer a shell, and once to set the shell up.
    from environments.cli.completion import shells

    return shells


def _complete(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        install = param.name == "install_completion"
        (_completion().install if install else _completion().show)(ENVCHART)
        ctx.exit()


def _eager_flag(name: str, callback: Callable[..., None], help: str) -> click.Option:
    return click.Option(
        [name], is_flag=True, is_eager=True, expose_value=False, callback=callback, help=help
    )


ENVCHART = CommandGroup(
    "envchart",
    help="Bring deployment environments up and down, and always know their state.",
    params=[
        _eager_flag("--version", _print_version, "Print the version."),
        _eager_flag("--install-completion", _complete, "Install completion for the current shell."),
        _eager_flag("--show-completion", _complete, "Print the completion script for the current shell."),
        *EVERYWHERE,
    ],
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Args:
        argv: The typed words. By default those of this process, which has to end afterwards:
            signals are ignored from then on.
    """
    return run_program(argv, Settings, _run, "environments.cli.exits")


def _run(arguments: list[str], settings: Settings) -> None:
    if instruction := os.environ.get("_ENVCHART_COMPLETE"):
        # Shells set this variable to ask for completions.
        raise click.exceptions.Exit(_completion().answer(ENVCHART, settings, instruction))
    ENVCHART.carry_out(arguments, settings, OVERVIEW)
