"""`events`: the transitions of all values, in the order in which they happened."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import click

from statechart.answers.configurations import is_failed
from statechart.answers.errors import report
from statechart.answers.records import payload_text
from statechart.cli import loading
from statechart.cli.parameters import subcommand
from statechart.cli.settings import Settings
from statechart.cli.values import place_of
from statechart.formats.columns import columns_of
from statechart.terminal.cells import cut
from statechart.terminal.colours import coloured, styled
from statechart.terminal.output import note, write
from statechart.terminal.report import ExitCode
from statechart.terminal.text import when

if TYPE_CHECKING:
    from statechart.errors import StatechartError
    from statechart.stored.changes import Change
    from statechart.stored.repository import ChartRepository

_NARROW = 80  # columns; below, the date is left out
_LONGEST_NAME = 24  # characters up to which names are padded


@subcommand("events")
@click.option("-f", "-F", "--follow", is_flag=True, help="Go on with the events that happen, until Ctrl-C.")
@click.option(
    "--since",
    metavar="CURSOR",
    help="Begin behind the event with this cursor, as --json prints it. By default all events are told, "
    "and with --follow those from now on.",
)
def events(settings: Settings, *, follow: bool, since: str | None) -> None:
    """Tell the transitions of all values as they happened.

    With --json, each event is a document on a line of its own, with a cursor to go on from.

    Examples:
        python -m statechart events shop:OrderChart --store orders
        python -m statechart events shop:OrderChart --store orders --follow --json
    """
    repository = loading.repository(settings)
    printer = _Printer(settings, repository)
    if follow:
        try:
            asyncio.run(_follow(repository, printer, since))
        except KeyboardInterrupt:  # the usual end of following is no error
            raise click.exceptions.Exit(128 + signal.SIGINT) from None
        return
    for change in repository.changes(since, on_damage=printer.tell_damage):
        printer.tell(change)
    if not printer.printed and not settings.json:
        note(f"no events{'' if since is None else ' since then'} in {place_of(repository)}")
    if printer.damaged:
        raise click.exceptions.Exit(ExitCode.STORAGE)


async def _follow(repository: ChartRepository[Any], printer: _Printer, since: str | None) -> None:
    beginning = repository.cursor() if since is None else since
    async with aclosing(repository.follow(beginning, on_damage=printer.tell_damage)) as changes:
        async for change in changes:
            printer.tell(change)


class _Printer:
    """Prints events.

    Attributes:
        printed: The number of events that were printed.
        damaged: Whether a value could not be read.
    """

    def __init__(self, settings: Settings, repository: ChartRepository[Any]) -> None:
        self.printed: int = 0
        self.damaged: bool = False
        self._settings = settings
        self._chart = repository.chart
        self._width = min(max(map(len, repository.names()), default=0), _LONGEST_NAME)

    def tell(self, change: Change) -> None:
        """Print an event."""
        write((change.model_dump_json() if self._settings.json else self._line(change)) + "\n")
        self.printed += 1

    def tell_damage(self, name: str, error: StatechartError) -> None:
        """Print why a value can't be read."""
        self.damaged = True
        found = report(error, self._settings)
        if self._settings.json:
            document = found.document()["error"] if found is not None else {"message": str(error)}
            write(json.dumps({"name": name, "error": document}) + "\n")
            return
        note(f"{name} can't be read: {found.message if found is not None else error}")
        note(f"next, for {name}: {self._settings.spell('verify NAME', name)}")

    def _line(self, change: Change) -> str:
        columns = columns_of(sys.stdout)
        at = when(change.at)
        if columns is not None and columns < _NARROW:
            at = at[-9:]
        before = f"{at}  {change.name:{self._width}}  "
        what = self._happened(change)
        if columns is not None:
            what = cut(what, columns - len(before)) or f"→ {change.to_state}"
        style = "red" if is_failed(self._chart, change.to_state) else "plain"
        return coloured(styled(before + what.replace("\n", " "), style))

    def _happened(self, change: Change) -> str:
        if change.event is None:
            return "created" if change.seq == 1 else "a new history was begun"
        payload = f" ({payload_text(change.payload)})" if change.payload else ""
        return f"{change.event}: {change.from_state} → {change.to_state}{payload}"
