"""Group: the `envchart` command, which imports a subcommand's module when that subcommand is typed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from environments.cli.help_page import HelpPage
from environments.cli.parameters import EVERYWHERE, LOCK_TIMEOUT
from environments.cli.refusal import UsageRefused
from environments.cli.registry import COMMANDS, TAKING, WAYS
from environments.cli.report import ExitCode
from environments.presentation import guidance
from statechart.wording import alike

if TYPE_CHECKING:
    from environments.cli.settings import Settings

OVERVIEW = """\
envchart brings deployment environments up and down.

  envchart create web --app DIR  # record an environment
  envchart up web                # bring it up
  envchart deploy web            # serve a new version
  envchart list                  # show all environments
  envchart why web               # explain what happened
  envchart logs web --follow     # show its log
  envchart destroy web           # remove the resources

All commands: envchart --help
One command, with examples: envchart COMMAND --help
"""
"""The output of the command line without any words."""

_SIGNAL = ("128+n", "ended by signal n")


class CommandGroup(HelpPage, click.Group):
    """The group of all subcommands of the registry."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a subcommand, or return None for an unknown name."""
        del ctx
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = import_module(f"environments.cli.commands.{entry.module}")
        found: click.Command = getattr(module, entry.attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the typed subcommand; the error for an unknown name suggests similar names."""
        # click would suggest only the subcommands that are imported already.
        if args[0] not in COMMANDS and not ctx.resilient_parsing:
            if (way := WAYS.get(args[0].lower())) is not None:
                steps = tuple(_spelled(step, ctx.obj) for step in way.next)
                raise UsageRefused(f"there is no command {args[0]!r}: {way.words}", steps)
            message = f"No such command {args[0]!r}."
            raise click.NoSuchCommand(args[0].lower(), message, _similar(args[0].lower()), ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete subcommands from the registry, and options as usual."""
        # The method of `click.Group` would import each subcommand that begins with the typed letters.
        names = [
            CompletionItem(name, help=entry.help)
            for name, entry in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the subcommands in their sections, then the options."""
        # One width for all sections, so that the help lines stand below one another.
        width = max(map(len, COMMANDS))
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in COMMANDS.items():
            sections.setdefault(entry.section, []).append((name.ljust(width), entry.help))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)
        HelpPage.format_options(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes."""
        del ctx
        with formatter.section("Exit codes"):
            formatter.write_dl([*((f"{code.value:>5}", code.meaning) for code in ExitCode), _SIGNAL])


def _spelled(step: str, settings: Settings) -> str:
    _, then, command = step.rpartition("then envchart ")
    return then.removesuffix("envchart ") + settings.spell(command)


def _similar(word: str) -> list[str]:
    """Return the commands that a word may be a misspelling of.

    Nothing is returned for a word that is closest to a command that takes something away.
    """
    found = alike(word, COMMANDS)
    return [] if TAKING & set(found[:1]) else [name for name in found if name not in TAKING]


class Subcommand(HelpPage, click.Command):
    """A subcommand, with the options that every subcommand takes, and with examples."""

    examples: tuple[str, ...] = ()

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, each on a line of its own, to be copied."""
        del ctx
        if not self.examples:
            return
        pairs = [line.partition("  # ") for line in self.examples]
        width = max((len(command) for command, mark, _ in pairs if mark), default=0)
        with formatter.section("Examples"):
            for command, mark, comment in pairs:
                line = f"{command:{width}}{mark}{comment}" if mark else command
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


def subcommand(name: str, *, waiting: bool = False) -> Callable[[Callable[..., Any]], Subcommand]:
    """Declare a handler as the subcommand `name`; its first argument is the `Settings`.

    A `waiting` subcommand takes `--lock-timeout`. The last section of the docstring has the examples.
    """

    def declare(handler: Callable[..., Any]) -> Subcommand:  # Any: click calls it with the parameters
        text, _, examples = cleandoc(handler.__doc__ or "").partition("\n\nExamples:\n")
        declared = click.command(name, cls=Subcommand, help=_help(name, text))(click.pass_obj(handler))
        declared.examples = tuple(line.strip() for line in examples.splitlines())
        # Last, so that the help lists a subcommand's own options first.
        declared.params += [*([LOCK_TIMEOUT] if waiting else []), *EVERYWHERE]
        return declared

    return declare


def _help(name: str, text: str) -> str:
    return f"{text}\n\n{guidance.sources_in_words(name)}" if name in guidance.COMMANDS else text
