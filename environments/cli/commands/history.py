"""`history`: the records of an environment, or its past state."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.parameters import name_argument
from environments.cli.settings import Settings
from environments.presentation.answers.history import (
    history_opening,
    past,
    past_document,
    past_view,
    readable_history,
)
from environments.presentation.documents import history_document
from environments.presentation.text import facts_text, history_lines
from environments.storage.settled import settled_entries
from statechart.errors import MissingSegment
from statechart.formats.columns import columns_of
from statechart.terminal.colours import styled
from statechart.terminal.output import emit, json_lines, note, print_lines
from statechart.terminal.program.moments import read_moment, require_one
from statechart.terminal.program.parameters import as_test_option
from statechart.terminal.text import when

if TYPE_CHECKING:
    from environments.presentation.text import AnyEntry


@subcommand("history")
@name_argument
@click.option(
    "--at",
    metavar="REVISION|TIME",
    help="Show the environment as of a revision or a time (ISO 8601, UTC by default).",
)
@as_test_option
def history(settings: Settings, name: str, at: str | None, as_test: Path | None) -> None:
    """Show the transitions and steps of an environment.

    With --as-test, the transitions become a test of the lifecycle.

    Examples:
        envchart history web
        envchart history web --at 2030-01-31T18:00
        envchart history web --as-test test_web.py
    """
    if as_test is None:
        print_history(settings, name, at)
        return
    require_one(settings, name, at)
    # A test needs the chart, without which histories are printed.
    from environments.cli.replaying import print_replay

    print_replay(settings, name, as_test)


def print_history(settings: Settings, name: str, at: str | None) -> None:
    """Print the records of an environment, or the environment as it was.

    Raises:
        UsageRefused: `at` is neither a revision nor a time.
        NoSuchMoment: The environment did not exist then.
        StorageError: The environment can't be read.
    """
    if at is not None:
        _print_past(settings, name, at.strip())
        return
    # Printed while it is read, as a history may be long. Damage is found before the first line.
    entries, gap = _readable(settings, name)
    print_lines(
        json_lines(history_opening(name, gap), map(history_document, entries))
        if settings.json
        else history_lines(entries, columns_of(sys.stdout))
    )
    if gap is not None:
        note(str(gap))


def _readable(settings: Settings, name: str) -> tuple[Iterator[AnyEntry], MissingSegment | None]:
    """Return the records, and the segment without which the earlier records can't be read.

    Raises:
        UnusableSegment: A segment is damaged.
    """
    entries = _entries(settings, name)
    try:
        first = next(entries, None)
    except MissingSegment:
        return readable_history(loading.storage(settings), name)
    return (entries if first is None else chain([first], entries)), None


def _entries(settings: Settings, name: str) -> Iterator[AnyEntry]:
    """Yield the records of an environment, one at a time."""
    seen = 0
    layout = loading.fast_layout(settings)
    settled = None if layout is None else settled_entries(layout, name)
    try:
        for entry in settled or ():
            yield entry
            seen = entry.seq
    except ValueError:
        pass  # a record of another program or version, which only the model can read
    else:
        if settled is not None:
            return
    yield from (entry for entry in loading.storage(settings).entries(name) if entry.seq > seen)


def _print_past(settings: Settings, name: str, at: str) -> None:
    storage = loading.storage(settings)
    found = past(storage, name, read_moment(settings, name, at))
    directory, entry = storage.directory(name), found.entry
    shown = f"as it was after record {entry.seq}, written by {entry.actor} at {when(entry.at)}"
    emit(
        settings,
        past_document(found, settings.spell, directory),
        f"{facts_text(past_view(found), styled, directory)}\n{shown}",
    )
