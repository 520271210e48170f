"""`fleet submit` and `fleet cancel`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from environments.cli.commands.fleet.opening import fleet_of, selection_of
from environments.cli.commands.fleet.watching import watch
from environments.cli.commands.fleet.wording import wish_line
from environments.cli.completion.values import complete_name, one_of
from environments.cli.exits import explained
from environments.cli.group import subcommand
from environments.cli.many.choice import Choice, reading_names_arguments
from environments.cli.settings import Settings
from environments.fleet.goals import GOALS
from environments.fleet.wishes import PATIENCE
from statechart.terminal.output import emit, note
from statechart.terminal.report import Report, worst

if TYPE_CHECKING:
    from environments.fleet.wishes import Submission


@subcommand("submit")
@reading_names_arguments
@click.option(
    "--to",
    metavar="STATE|COMMAND",
    default="running",
    show_default=True,
    shell_complete=one_of(GOALS),
    help="The state to reach, or a command: deploy, restart, stop, retry, recover or drift.",
)
@click.option("--watch", "watched", is_flag=True, help="Wait until all have ended, and tell how.")
@click.option(
    "--patience",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=60,
    show_default=True,
    help="How long a worker waits while another process holds the environment.",
)
def submit(settings: Settings, *, choice: Choice, to: str, watched: bool, patience: float) -> None:
    """Ask for a state of environments, or for a command.

    A wish that can't be fulfilled is refused at once, and the others are queued. An environment has at
    most one command at a time; further wishes for it wait in order.

    Examples:
        envchart fleet submit web
        envchart fleet submit 'pr-*' --to destroyed
        envchart fleet submit -l team=web --to restart --watch
        envchart fleet submit --all --to drift --json
    """
    ask(settings, choice, to, watched=watched, patience=timedelta(seconds=patience))


def ask(
    settings: Settings, choice: Choice, to: str, *, watched: bool, patience: timedelta = PATIENCE
) -> None:
    """Submit wishes, tell what became of that, and wait for their end if wanted."""
    fleet = fleet_of(settings)
    made = fleet.submit(selection_of(settings, choice), to=to, patience=patience, by=settings.actor)
    refused = {name: explained(error, settings) for name, error in made.refused.items()}
    for line in (*made.notes, *(f"{name}: {told.message}" for name, told in refused.items())):
        note(f"note: {line}")
    for told in refused.values():
        for step in told.next[:1]:
            note(f"next: {step}")
    codes = [told.exit_code for told in refused.values()]
    if watched:
        codes += watch(settings, fleet, made)
    else:
        emit(settings, _document(made, refused), _text(made, to))
    if code := worst(codes):
        raise click.exceptions.Exit(code)


@subcommand("cancel")
@click.argument(
    "asked",
    metavar="NAME...",
    nargs=-1,
    required=True,
    shell_complete=complete_name,
    help="Environments, or numbers of wishes.",
)
def cancel(settings: Settings, asked: tuple[str, ...]) -> None:
    """Cancel wishes that have not ended.

    A wish that waits ends at once. A command under way ends after its step, as after Ctrl-C.

    Examples:
        envchart fleet cancel web
        envchart fleet cancel web.3f1a09c4
    """
    found = fleet_of(settings).cancel(asked, by=settings.actor)
    lines = [wish_line(each) for each in found]
    emit(settings, {"wishes": [each.document() for each in found]}, "\n".join(lines))


def _document(made: Submission, refused: dict[str, Report]) -> dict[str, object]:
    return {
        "wishes": [{"name": name, "id": number} for name, number in made.wishes.items()],
        "refused": [{"name": name, **told.document()} for name, told in refused.items()],
        "notes": list(made.notes),
    }


def _text(made: Submission, to: str) -> str:
    count = len(made.wishes)
    asked = "1 wish" if count == 1 else f"{count} wishes"
    numbers = f": {', '.join(made.wishes.values())}" if 0 < count <= _MOST_NUMBERS else ""
    return f"{asked} for {to}{numbers}" if count else "nothing was asked for"


_MOST_NUMBERS = 5
