"""`list`: one line for each environment."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

import click

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.report import ExitCode, Report
from environments.cli.settings import Settings
from environments.cli.terminal.colours import styled
from environments.cli.terminal.output import emit, note
from environments.model.errors import UnknownProvider, UnreadableSummary
from environments.model.stored import StoredEnvironment
from environments.presentation.documents import summary_document
from environments.presentation.text import list_text
from environments.presentation.view import look
from environments.storage.summaries import read_stored, summaries
from statechart.errors import NotFound, StorageError
from statechart.storage.forms import read_form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from environments.model.environment import AnyEnvironment
    from environments.model.summary import Summary
    from environments.storage.file import FileRepository

_MANY = 200


@subcommand("list")
def list_(settings: Settings) -> None:
    """List all environments.

    An unreadable environment is listed with its error, and the exit code is 7.

    Examples:
        envchart list
        envchart list --json | jq -r '.environments[].name'
    """
    print_list(settings)


def print_list(settings: Settings) -> None:
    """Print a line for each environment.

    Raises:
        StorageError: The data directory can't be read.
        click.exceptions.Exit: An environment can't be read; the others were printed.
    """
    count = _count(settings)
    if not count:
        emit_empty(settings)
        return
    documents, unreadable = _gathered(settings, many=count > _MANY)
    if not documents and not unreadable:  # only other files are there
        emit_empty(settings)
        return
    document = {
        "environments": documents,
        "unreadable": [{"name": name, **report.document()} for name, report in unreadable],
    }
    reasons = [(name, report.message) for name, report in unreadable]
    emit(settings, document, "" if settings.json else list_text(documents, reasons, styled))
    for name, report in unreadable:
        note(f"next, for {name}: {report.next[0] if report.next else settings.spell('list')}")
    if unreadable:
        raise click.exceptions.Exit(ExitCode.STORAGE)


def _gathered(
    settings: Settings, *, many: bool
) -> tuple[list[dict[str, object]], list[tuple[str, Report]]]:
    """Return the documents of the readable environments, and why the others can't be read."""
    storage = cache(lambda: loading.storage(settings))
    if not loading.is_quiet(settings):
        storage()
    documents: list[dict[str, object]] = []
    unreadable: list[tuple[str, Report]] = []
    for line in (_many if many else _few)(settings, storage):
        if isinstance(line, UnreadableSummary):
            unreadable.append((line.name, _why(settings, line)))
            continue
        try:
            documents.append(_document(settings, line, storage))
        except NotFound:
            continue  # purged since the directory was listed
        except StorageError as error:  # the document is whole, but the journal is damaged
            unreadable.append((line.name, _why(settings, UnreadableSummary(line.name, error))))
    return documents, unreadable


def _document(
    settings: Settings, line: Summary | StoredEnvironment, storage: Callable[[], FileRepository]
) -> dict[str, object]:
    held = False
    if line.stored_operation is not None and line.stored_operation.is_active:
        try:
            view = look(storage(), line.name)
        except UnknownProvider:
            held = storage().holder(line.name) is not None
        else:
            held = view.holder is not None
            if view.environment.revision != line.revision:  # a command ended meanwhile
                line = _stored(view.environment)
    return summary_document(line, settings.spell, held=held)


def _few(
    settings: Settings, storage: Callable[[], FileRepository]
) -> Iterator[StoredEnvironment | UnreadableSummary]:
    return summaries(loading.layout(settings), read_stored, lambda name: _stored(storage().load(name)))


def _many(
    settings: Settings, storage: Callable[[], FileRepository]
) -> Iterator[Summary | UnreadableSummary]:
    # msgspec reads a document in a tenth of the time, and takes as long to load as a whole short list.
    from environments.model.summary import Summary, read_summary

    return summaries(loading.layout(settings), read_summary, lambda name: Summary.of(storage().load(name)))


def _stored(environment: AnyEnvironment) -> StoredEnvironment:
    return read_form(StoredEnvironment, environment.model_dump(mode="json"))


def _count(settings: Settings) -> int:
    try:
        with os.scandir(settings.data_dir) as entries:
            return sum(not entry.name.startswith(".") for entry in entries)
    except FileNotFoundError:
        return 0
    except OSError:
        return 1  # the storage reports the problem


def emit_empty(settings: Settings) -> None:
    """Print an empty list, and how to create an environment."""
    if settings.json:
        emit(settings, {"environments": [], "unreadable": []}, "")
        return
    missing = "" if settings.data_dir.is_dir() else ", which does not exist"
    note(f"no environments in {settings.data_dir.absolute()}{missing}")
    note(f"next: {settings.spell('create NAME --app DIR')}")


def _why(settings: Settings, summary: UnreadableSummary) -> Report:
    # Errors are rare in lists, and their table loads all that can fail.
    from environments.cli.error_reports import report

    found = report(summary.error, settings)
    return found or Report(ExitCode.STORAGE, "unreadable", str(summary.error))
