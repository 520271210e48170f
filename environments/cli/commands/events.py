"""`events`: the transitions of all environments, in the order in which they happened."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from environments.cli import loading
from environments.cli.completion.values import complete_name
from environments.cli.error_reports import report
from environments.cli.group import subcommand
from environments.cli.settings import Settings
from environments.cli.signals import Ended, Interruption
from environments.events.cursor import Cursor
from environments.events.document import event_document
from environments.events.follow import Event
from environments.model.fields.expiry import read_expires
from environments.presentation.text import happened
from environments.system.files import replace_file
from statechart.formats.columns import columns_of
from statechart.terminal.colours import coloured, styled
from statechart.terminal.lines import cut
from statechart.terminal.output import note, write
from statechart.terminal.program.parameters import PathType, shortened
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode
from statechart.terminal.text import when

if TYPE_CHECKING:
    from environments.model.errors import UnreadableSummary
    from environments.workspace import Workspace

_NARROW = 80  # columns; below, the date is left out
_LONGEST_NAME = 24  # characters up to which names are padded
_LEAST_NAME = 8  # characters of a name that are shown however narrow the terminal is
_LEAST = 20  # characters of an event that are shown however narrow the terminal is


@subcommand("events")
@click.argument(
    "names",
    nargs=-1,
    help="Names or globs of environments; by default all, also new ones.",
    shell_complete=complete_name,
)
@click.option("-f", "-F", "--follow", is_flag=True, help="Go on with the events that happen, until Ctrl-C.")
@click.option(
    "--since",
    metavar="CURSOR|TIME",
    help="Begin behind the event with this cursor, or at a time (ISO 8601, or 30m, 2h, 7d ago). "
    "By default all events are told, and with --follow those from now on.",
)
@click.option(
    "--cursor",
    "file",
    metavar="FILE",
    type=PathType(dir_okay=False),
    help="Begin behind the last event that was printed with this file, and keep the file up to date.",
)
@click.option(
    "--all-records", is_flag=True, help="Tell operations, changes of declarations and steps, too."
)
def events(
    settings: Settings,
    names: tuple[str, ...],
    *,
    follow: bool,
    since: str | None,
    file: Path | None,
    all_records: bool,
) -> None:
    """Tell the transitions of all environments as they happened.

    With --json, each event is a document on a line of its own, with a cursor to go on from.

    Examples:
        envchart events
        envchart events --follow 'preview-*'
        envchart events --since 2h --json
        envchart events --json --cursor told.txt  # in a cron job
    """
    printer = EventPrinter(settings, file)
    beginning = printer.beginning() or _beginning(since)
    try:
        Interruption(lambda _message: None).run(
            _print_events(settings, printer, names, beginning, follow=follow, all_records=all_records)
        )
    except (KeyboardInterrupt, Ended) as ended:
        if not follow:
            raise
        # The usual end of following is no error.
        code = ended.exit_code if isinstance(ended, Ended) else 128 + signal.SIGINT
        raise click.exceptions.Exit(code) from None
    if printer.unreadable:
        raise click.exceptions.Exit(ExitCode.STORAGE)


async def _print_events(
    settings: Settings,
    printer: EventPrinter,
    names: tuple[str, ...],
    since: Cursor | datetime | None,
    *,
    follow: bool,
    all_records: bool,
) -> None:
    workspace = loading.workspace(settings)
    if follow and since is None:
        since = workspace.cursor()
        printer.keep(since)  # so that a later run begins here, even if nothing happens until then
    printer.align(workspace)
    stream = workspace.events(names, since=since, follow=follow, all_records=all_records)
    async with aclosing(stream) as told:
        async for event in told:
            printer.tell(event)
    if not printer.printed and not settings.json:
        note(f"no events{'' if since is None else ' since then'} in {settings.where}")


class EventPrinter:
    """Prints events, and keeps the cursor of the last in a file.

    Attributes:
        printed: The number of events that were printed.
        unreadable: Whether an environment could not be read.
    """

    def __init__(self, settings: Settings, file: Path | None) -> None:
        self.printed: int = 0
        self.unreadable: bool = False
        self._settings = settings
        self._file = file
        self._width = 0

    def beginning(self) -> Cursor | None:
        """Return the cursor in the file, or None without a file.

        Raises:
            UsageRefused: The file can't be read, or holds no cursor.
        """
        if self._file is None:
            return None
        try:
            return Cursor.read(self._file.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it does not hold a whole cursor"
            anew = f"move {self._file} away, and begin anew with envchart events --since TIME"
            other = "name a file that is yours with --cursor"
            raise UsageRefused(
                f"the cursor file {self._file} can't be used: {why}",
                (other if isinstance(error, OSError) else anew,),
                code="invalid_cursor",
            ) from None

    def keep(self, cursor: Cursor) -> None:
        """Replace the content of the file.

        Raises:
            UsageRefused: The file can't be written.
        """
        if self._file is None:
            return
        try:
            replace_file(self._file.absolute(), f"{cursor}\n".encode(), durable=False)
        except OSError as error:
            raise UsageRefused(
                f"the cursor file {self._file} can't be written: {error.strerror or error}",
                ("name a file in a directory that exists and is yours with --cursor",),
                code="output",
                exit_code=1,
            ) from error

    def align(self, workspace: Workspace) -> None:
        """Make room for the names that exist."""
        self._width = min(max(map(len, workspace.names()), default=0), _LONGEST_NAME)

    def tell(self, event: Event | UnreadableSummary) -> None:
        """Print an event, or why an environment can't be read."""
        if not isinstance(event, Event):
            self._tell_unreadable(event)
            return
        line = self._json(event) if self._settings.json else self._line(event)
        if line:
            write(line + "\n")
            self.printed += 1
        # Behind the printing: after a crash, an event is printed again rather than lost.
        self.keep(event.cursor)

    def _json(self, event: Event) -> str:
        document = event_document(event.name, event.lineage, event.entry)
        return json.dumps({**document, "cursor": str(event.cursor)})

    def _line(self, event: Event) -> str:
        what = happened(event.entry)
        if not what:
            return ""
        columns = columns_of(sys.stdout)
        at = when(event.at)
        name, width = event.name, self._width
        if columns is not None:
            at = at[-9:] if columns < _NARROW else at
            room = max(columns - len(at) - _LEAST - 4, _LEAST_NAME)
            name, width = cut(name, room, "…"), min(width, room)
        before = f"{at}  {name:{width}}  "
        if columns is not None:
            what = _fitted(event, what, max(columns - len(before), _LEAST))
        environment = event.environment
        bad = environment is not None and environment.is_error
        return coloured(styled(before + what.replace("\n", " "), "red" if bad else "plain"))

    def _tell_unreadable(self, unreadable: UnreadableSummary) -> None:
        self.unreadable = True
        found = report(unreadable.error, self._settings)
        message = found.message if found is not None else str(unreadable.error)
        if self._settings.json:
            error = found.document()["error"] if found is not None else {"message": message}
            write(json.dumps({"name": unreadable.name, "error": error}) + "\n")
            return
        note(f"{unreadable.name} can't be read: {message}")
        if found is not None and found.next:
            note(f"next, for {unreadable.name}: {found.next[0]}")


def _fitted(event: Event, what: str, room: int) -> str:
    """Describe an event within some columns; a transition keeps at least the state that it led to."""
    record = event.entry.record
    if record.type == "transition" and len(what.removesuffix(f": {record.reason}")) > room:
        what = f"→ {record.to_state}{f': {record.reason}' if record.reason else ''}"
    return cut(what, room, "…")


def _beginning(since: str | None) -> Cursor | datetime | None:
    """Return the typed beginning.

    Raises:
        UsageRefused: The text is neither a cursor nor a time.
        InvalidCursor: The text is a part of a cursor.
    """
    if since is None:
        return None
    text = since.strip()
    if Cursor.resembles(text):
        return Cursor.read(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        found = read_expires(text)
    except ValueError:
        found = None
    if isinstance(found, timedelta):
        return datetime.now(UTC) - found
    raise UsageRefused(
        f"--since {shortened(text)!r} is no cursor, no time like 2026-01-31T12:00Z, and none ago like 2h",
        ("envchart events --help",),
    )
