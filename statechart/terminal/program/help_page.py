"""Help pages: the output of `--help`, in sections, wrapped to the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from statechart.terminal.colours import shows_colours
from statechart.terminal.output import write

OPTIONS = "Options"
CHOICE = "Which environments"
EVERYWHERE = "Everywhere"

_LEFT_COLUMN = 30  # wider terms leave too little for the meaning on 60 columns


class _Formatter(click.HelpFormatter):
    """The formatter of click, with colours where stdout shows them."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, f"{_styled('Usage:', bold=True)} " if prefix is None else prefix)

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{_styled(f'{heading}:', bold=True)}\n")

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = _LEFT_COLUMN, col_spacing: int = 2
    ) -> None:
        super().write_dl(
            [(_styled(term, fg="cyan"), meaning) for term, meaning in rows], col_max, col_spacing
        )


class _Context(click.Context):
    # This is where click looks up the class of its formatter.
    formatter_class = _Formatter


class ChoiceOption(click.Option):
    """An option that chooses environments; the help lists it in a section of its own."""


class EverywhereOption(click.Option):
    """An option that every subcommand takes; the help lists it in a section of its own."""


_SECTIONS: dict[type[click.Parameter], str] = {ChoiceOption: CHOICE, EverywhereOption: EVERYWHERE}


class HelpPage(click.Command):
    """A command whose help lists arguments, own options, and those shared with other commands."""

    context_class: type[click.Context] = _Context

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return `--help`, which writes like every other result."""
        # click's own callback prints with `echo`, and a closed pipe would end in a traceback.
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = "Show this help."
            option.callback = _print_help
        return option

    def format_arguments(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the arguments."""
        rows = [
            argument.get_help_record(ctx)
            for argument in self.get_params(ctx)
            if isinstance(argument, click.Argument)
        ]
        if rows:
            with formatter.section("Arguments"):
                formatter.write_dl(rows)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of this command, then those shared with other commands."""
        sections: dict[str, list[tuple[str, str]]] = {OPTIONS: [], CHOICE: [], EVERYWHERE: []}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx) if isinstance(option, click.Option) else None
            if record is not None:
                sections[_SECTIONS.get(type(option), OPTIONS)].append(record)
        # One width for all sections, so that their meanings stand below one another.
        width = min(max(len(term) for rows in sections.values() for term, _ in rows), _LEFT_COLUMN)
        for section, rows in sections.items():
            if rows:
                with formatter.section(section):
                    formatter.write_dl([(term.ljust(width), text) for term, text in rows])


def _styled(text: str, *, bold: bool | None = None, fg: str | None = None) -> str:
    return click.style(text, bold=bold, fg=fg) if shows_colours(sys.stdout) else text


def _print_help(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    del option
    if value and not ctx.resilient_parsing:
        write(ctx.get_help() + "\n")
        ctx.exit()
