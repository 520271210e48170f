"""Group: a program, which imports a subcommand's module when that subcommand is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from inspect import cleandoc
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import click
from click.shell_completion import CompletionItem

from statechart.terminal.output import write
from statechart.terminal.program.help_page import HelpPage
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode
from statechart.wording import alike

if TYPE_CHECKING:
    from statechart.terminal.program.registry import Entry, Way
    from statechart.terminal.settings import ProgramSettings

_SIGNAL = ("128+n", "ended by signal n")


class ProgramGroup(HelpPage, click.Group):
    """The group of all subcommands of a registry."""

    package: ClassVar[str]
    """The package of the subcommands' modules."""

    registry: ClassVar[Mapping[str, Entry]]
    """The subcommands, in the order of the help."""

    ways: ClassVar[Mapping[str, Way]] = MappingProxyType({})
    """The words that users of other tools type."""

    taking: ClassVar[frozenset[str]] = frozenset()
    """The commands that take something away; a misspelt word must not lead to them."""

    codes: ClassVar[Iterable[ExitCode]] = ExitCode
    """The exit codes that the help lists."""

    def carry_out(self, arguments: list[str], settings: ProgramSettings, overview: str) -> None:
        """Carry out the typed words; without any, print the overview."""
        if not arguments:
            write(overview)
            return
        # click's own main() would turn Ctrl-C and a broken pipe into endings of its own.
        with self.make_context(self.name, arguments, obj=settings) as context:
            self.invoke(context)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        del ctx
        return list(self.registry)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a subcommand, or return None for an unknown name."""
        del ctx
        entry = self.registry.get(cmd_name)
        if entry is None:
            return None
        module = import_module(f"{self.package}.{entry.module}")
        found: click.Command = getattr(module, entry.attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the typed subcommand; the error for an unknown name suggests similar names."""
        # click would suggest only the subcommands that are imported already.
        if args[0] not in self.registry and not ctx.resilient_parsing:
            if (way := self.ways.get(args[0].lower())) is not None:
                steps = tuple(_spelled(step, ctx.obj) for step in way.next)
                raise UsageRefused(f"there is no command {args[0]!r}: {way.words}", steps)
            message = f"No such command {args[0]!r}."
            raise click.NoSuchCommand(args[0].lower(), message, self._similar(args[0].lower()), ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete subcommands from the registry, and options as usual."""
        # The method of `click.Group` would import each subcommand that begins with the typed letters.
        names = [
            CompletionItem(name, help=entry.help)
            for name, entry in self.registry.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the subcommands in their sections, then the options."""
        # One width for all sections, so that the help lines stand below one another.
        width = max(map(len, self.registry))
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in self.registry.items():
            sections.setdefault(entry.section, []).append((name.ljust(width), entry.help))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)
        HelpPage.format_options(self, ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes."""
        del ctx
        with formatter.section("Exit codes"):
            formatter.write_dl([*((f"{code.value:>5}", code.meaning) for code in self.codes), _SIGNAL])

    def _similar(self, word: str) -> list[str]:
        """Return the commands that a word may be a misspelling of.

        Nothing is returned for a word that is closest to a command that takes something away.
        """
        found = alike(word, self.registry)
        return [] if self.taking & set(found[:1]) else [name for name in found if name not in self.taking]


def _spelled(step: str, settings: ProgramSettings) -> str:
    _, then, command = step.rpartition(f"then {settings.program} ")
    return then.removesuffix(f"{settings.program} ") + settings.spell(command)


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


def declare(
    name: str,
    handler: Callable[..., Any],  # Any: click calls it with the parameters
    options: Iterable[click.Parameter],
    more: str = "",
) -> Subcommand:
    """Declare a handler as the subcommand `name`; its first argument is the settings.

    Args:
        name: The name of the subcommand.
        handler: The handler. The last section of its docstring has the examples.
        options: The options that other subcommands take as well. The help lists the own options first.
        more: A paragraph of the help after those of the docstring.
    """
    text, _, examples = cleandoc(handler.__doc__ or "").partition("\n\nExamples:\n")
    help = f"{text}\n\n{more}" if more else text
    declared = click.command(name, cls=Subcommand, help=help)(click.pass_obj(handler))
    declared.examples = tuple(line.strip() for line in examples.splitlines())
    declared.params += options
    return declared
