"""Choice: the environments that a command line chooses, by name, glob, label or state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from environments.cli import loading
from environments.cli.completion.values import complete_label, complete_name, one_of
from environments.model.condition import teardown_begun
from environments.model.errors import UnreadableSummary
from environments.presentation import guidance
from environments.selection import STATES, Selection
from statechart.terminal.output import note
from statechart.terminal.program.help_page import ChoiceOption
from statechart.terminal.program.parameters import Decorator, HandlerT
from statechart.terminal.refusal import UsageRefused

if TYPE_CHECKING:
    from environments.cli.settings import Settings
    from environments.model.summary import Summary

    Suits = Callable[[Summary], bool]

_MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class Choice:
    """The environments that a command line chooses.

    Attributes:
        command: The subcommand.
        selection: The typed conditions.
        parallel: How many environments are worked on at once.
        suits: Whether the command is of use for an environment. Others that a glob, a label or `--all`
            matches are passed over, and those typed by name are not.
        idle: The sentence for a choice in which the command is of no use for any environment.
    """

    command: str
    selection: Selection
    parallel: int
    suits: Suits = field(default=lambda _summary: True)
    idle: str | None = None

    @property
    def single(self) -> str | None:
        """The name, if a single environment is chosen by its name."""
        patterns = self.selection.patterns
        return patterns[0] if self.selection.is_by_name and len(patterns) == 1 else None

    @property
    def is_several(self) -> bool:
        """Whether environments are chosen other than by a single name."""
        return not self.is_empty and self.single is None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was chosen."""
        return self.selection.is_empty

    def narrowed(self, **conditions: bool | tuple[str, ...]) -> Choice:
        """Return the choice with further conditions of a `Selection`."""
        return replace(self, selection=replace(self.selection, **conditions))  # type: ignore[arg-type]  # its fields

    def for_use(self, suits: Suits, *, idle: str | None = None) -> Choice:
        """Return the choice that passes environments over for which the command is of no use."""
        return replace(self, suits=suits, idle=idle)

    def where_allowed(self, *states: str) -> Choice:
        """Return the choice that passes environments over which do not allow the command.

        Environments under way or interrupted are not passed over: the command tells of them.

        Args:
            states: The states in which the command is of use, if not all that allow it.
        """

        def allows(summary: Summary) -> bool:
            state, begun = summary.state.name, teardown_begun(summary.stored_operation)
            wanted = not states or state in states
            return wanted and guidance.is_of_use(self.command, state, teardown_begun=begun)

        return self.for_use(allows)

    def required(self, settings: Settings) -> Choice:
        """Return the choice.

        Raises:
            UsageRefused: Nothing was chosen.
        """
        if self.is_empty:
            steps = (settings.spell(f"{self.command} NAME"), settings.spell(f"{self.command} --all"))
            raise UsageRefused("give NAME or --all", steps)
        return self

    def chosen(self, settings: Settings) -> list[Summary | UnreadableSummary]:
        """Return the summaries of the chosen environments, and tell of those passed over.

        Raises:
            NothingMatches: A name or a glob matches no environment.
            UnknownLabel: No environment has a label of a condition.
        """
        workspace = loading.workspace(settings)
        found = workspace.select(self.selection)
        if self.selection.is_by_name:
            return found
        if not self.selection.needs_no_reading:
            for each in workspace.summaries():
                if isinstance(each, UnreadableSummary) and self.selection.matches_name(each.name):
                    note(f"note: {each.name} can't be read, so it was left alone")
        passed = [
            each
            for each in found
            if each.name not in self.selection.patterns
            and not isinstance(each, UnreadableSummary)
            and not self.suits(each)
        ]
        if passed and not self.selection.all:
            names = ", ".join(f"{each.name} ({each.condition})" for each in passed[:_MOST_NAMES])
            more = f" and {len(passed) - _MOST_NAMES} more" if len(passed) > _MOST_NAMES else ""
            note(f"note: {self.command} is of no use for {names}{more}")
        return [each for each in found if each not in passed]

    def nothing(self, settings: Settings) -> str:
        """Return the sentence for a choice without environments."""
        if self.selection == Selection(all=True) and not loading.workspace(settings).names():
            return "no environments"
        if self.idle is not None:
            return self.idle
        expired = ": no environment has expired" if self.selection.expired else ""
        return f"nothing to {self.command}{expired}"


def has_failed(summary: Summary) -> bool:
    """Return whether the last command failed, so that it can be resumed."""
    operation = summary.stored_operation
    return summary.state.name.endswith("_failed") or (operation is not None and not operation.is_active)


def names_arguments(handler: HandlerT) -> HandlerT:
    """Have a subcommand take names and conditions; its handler gets a `Choice` as `choice`.

    Nothing at all is refused.
    """
    return _choosing(handler, _OPTIONS, required=True)


def optional_names_arguments(handler: HandlerT) -> HandlerT:
    """Have a subcommand take names and conditions, or nothing at all; see `Choice.is_empty`."""
    return _choosing(handler, _OPTIONS, required=False)


def reading_names_arguments(handler: HandlerT) -> HandlerT:
    """Have a subcommand take what `optional_names_arguments` does, without `--parallel`."""
    return _choosing(handler, _OPTIONS[:-1], required=False)


def _choosing(handler: HandlerT, options: Sequence[Decorator], *, required: bool) -> HandlerT:
    @wraps(handler)
    def choose(
        settings: Settings,
        *positional: Any,  # Any: as above
        names: tuple[str, ...],
        all_: bool,
        label: tuple[str, ...],
        state: tuple[str, ...],
        failed: bool,
        parallel: int | None = None,
        **others: Any,  # Any: as above
    ) -> None:
        command = str(click.get_current_context().info_name)
        if names and all_:
            once = settings.spell(f"{command} NAME", names[0])
            raise UsageRefused("give NAME or --all, not both", (once, settings.spell(f"{command} --all")))
        selection = Selection.read(names, labels=label, states=state, failed=failed, all=all_)
        at_once = parallel if parallel is not None else settings.workspace.parallel
        choice = Choice(command, selection, at_once)
        assert not isinstance(handler, click.Command)
        handler(settings, *positional, choice=choice.required(settings) if required else choice, **others)

    declared: Any = choose  # Any: a handler of other parameters
    for option in reversed(options):
        declared = option(declared)
    return declared  # type: ignore[no-any-return]


_OPTIONS: tuple[Decorator, ...] = (
    click.argument(
        "names",
        metavar="[NAME]...",
        nargs=-1,
        help="Names of environments, or globs in quotes, as 'pr-*'.",
        shell_complete=complete_name,
    ),
    click.option("--all", "all_", cls=ChoiceOption, is_flag=True, help="All environments."),
    click.option(
        "-l",
        "--label",
        cls=ChoiceOption,
        metavar="K=V",
        multiple=True,
        shell_complete=complete_label,
        help="Only environments with this label: team=web, team!=web, team or !team.",
    ),
    click.option(
        "--state",
        cls=ChoiceOption,
        metavar="STATE",
        multiple=True,
        shell_complete=one_of(STATES),
        help="Only environments in this state, or failed, interrupted or under-way.",
    ),
    click.option("--failed", cls=ChoiceOption, is_flag=True, help="Only environments that need attention."),
    click.option(
        "--parallel",
        cls=ChoiceOption,
        metavar="N",
        type=click.IntRange(min=1),
        help="How many environments are worked on at once; by default 4, or as the workspace file says.",
    ),
)
