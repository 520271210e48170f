"""Gathering: the environments that a list shows, read as fast as their number demands."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any

from environments.cli import loading
from environments.cli.settings import Settings
from environments.model.errors import UnknownProvider, UnreadableSummary
from environments.model.stored import StoredEnvironment
from environments.presentation.documents import summary_document
from environments.presentation.view import look
from environments.selection import Selection
from environments.storage.summaries import read_stored, summaries
from statechart.errors import NotFound, StorageError
from statechart.storage.forms import read_form
from statechart.terminal.report import ExitCode, Report

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.summary import Summary
    from environments.storage.stored import StoredRepository
    from statechart.storage.layout import Layout

_MANY = 200


class Gathered:
    """The selected environments, and what is known of the others.

    Attributes:
        documents: The selected environments that can be read, as `--json` prints them.
        unreadable: Those that can't be read, and why. Whether they are meant, only their name tells.
        names: The names of all environments.
        labels: The labels of all environments, a single value for each key.
    """

    def __init__(self) -> None:
        self.documents: list[Mapping[str, Any]] = []  # Any: JSON
        self.unreadable: list[tuple[str, Report]] = []
        self.names: list[str] = []
        self.labels: dict[str, str] = {}

    @property
    def total(self) -> int:
        """The number of all environments."""
        return len(self.names)


def gather(settings: Settings, selection: Selection) -> Gathered:
    """Read the environments of the data directory or the database, and return those that are selected.

    Raises:
        StorageError: The environments can't be read.
    """
    found = Gathered()
    now = datetime.now(UTC)
    storage = cache(lambda: loading.storage(settings))
    lines = _lines(settings, storage)
    # After the records: a command that has ended since is looked at once more.
    first = next(lines, None)
    working = _Working(settings, storage)
    for line in chain(() if first is None else (first,), lines):
        _take(settings, found, line, selection, storage, now, working)
    return found


class _Working:
    """The names that are held, as far as one question tells them all; it is asked when that matters."""

    def __init__(self, settings: Settings, storage: Callable[[], StoredRepository]) -> None:
        self._found = cache(lambda: () if settings.store is None else storage().holders())

    def __contains__(self, name: object) -> bool:
        return name in self._found()


def _lines(
    settings: Settings, storage: Callable[[], StoredRepository]
) -> Iterator[Summary | StoredEnvironment | UnreadableSummary]:
    """Yield the environments as their number demands."""
    layout = loading.layout(settings)
    if layout is None:
        yield from _plain(settings) or storage().summaries()
    elif count := entries(settings):
        if not loading.is_quiet(settings):
            storage()
        yield from (_many if count > _MANY else _few)(layout, storage)


def _plain(settings: Settings) -> Sequence[Summary | UnreadableSummary] | None:
    """Return the environments of a database if they can be read without the repository, or None."""
    if settings.store is None or not loading.is_quiet(settings) or "sqlalchemy" in sys.modules:
        return None
    found: Sequence[Summary | UnreadableSummary] | None = import_module(
        "environments.storage.sql.plain"
    ).plain_summaries(settings.store)
    return found


def _take(
    settings: Settings,
    found: Gathered,
    line: Summary | StoredEnvironment | UnreadableSummary,
    selection: Selection,
    storage: Callable[[], StoredRepository],
    now: datetime,
    working: Container[str],
) -> None:
    """Add an environment to those that were found, if it is selected."""
    held = False
    try:
        if not isinstance(line, UnreadableSummary):
            line, held = _settled(line, storage, working)
    except NotFound:
        return  # purged since the directory was listed
    except StorageError as error:  # the document is whole, but the journal is damaged
        line = UnreadableSummary(line.name, error)
    found.names.append(line.name)
    if isinstance(line, UnreadableSummary):
        if selection.matches_name(line.name):
            found.unreadable.append((line.name, why(settings, line)))
        return
    found.labels.update(line.labels)
    if selection.picks(line, now, held=held):
        found.documents.append(summary_document(line, settings.spell, held=held))


def _settled(
    line: Summary | StoredEnvironment, storage: Callable[[], StoredRepository], held: Container[str]
) -> tuple[Summary | StoredEnvironment, bool]:
    """Return an environment, and whether a process works on it; both are read again if need be."""
    if line.stored_operation is None or not line.stored_operation.is_active:
        return line, False
    if line.name in held:
        return line, True
    try:
        view = look(storage(), line.name)
    except UnknownProvider:
        return line, storage().holder(line.name) is not None
    # A command may have ended meanwhile.
    ended = view.environment.revision != line.revision
    if ended:
        line = _stored(view.environment).seen(view.actor, view.last_look)
    return line, view.holder is not None


def _few(
    layout: Layout, storage: Callable[[], StoredRepository]
) -> Iterator[StoredEnvironment | UnreadableSummary]:
    return summaries(layout, read_stored, lambda name: _stored(storage().load(name)))


def _many(layout: Layout, storage: Callable[[], StoredRepository]) -> Iterator[Summary | UnreadableSummary]:
    # msgspec reads a document in a tenth of the time, and takes as long to load as a whole short list.
    from environments.model.summary import Summary, read_summary

    return summaries(layout, read_summary, lambda name: Summary.of(storage().load(name)))


def _stored(environment: AnyEnvironment) -> StoredEnvironment:
    return read_form(StoredEnvironment, environment.model_dump(mode="json"))


def entries(settings: Settings) -> int:
    """Return the number of entries of the data directory that may be environments."""
    try:
        with os.scandir(settings.data_dir) as found:
            return sum(not entry.name.startswith(".") for entry in found)
    except FileNotFoundError:
        return 0
    except OSError:
        return 1  # the storage reports the problem


def why(settings: Settings, summary: UnreadableSummary) -> Report:
    """Return why an environment can't be read, and what to do."""
    # Errors are rare in lists, and their table loads all that can fail.
    from environments.cli.error_reports import report

    found = report(summary.error, settings)
    return found or Report(ExitCode.STORAGE, "unreadable", str(summary.error))
