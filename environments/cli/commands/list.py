"""`list`: one line for each environment."""

from __future__ import annotations

import os
from functools import cache

import click

from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.report import ExitCode, Report
from environments.cli.settings import Settings
from environments.cli.terminal.colours import styled
from environments.cli.terminal.output import emit, note
from environments.model.stored import SCHEMA_VERSION
from environments.model.summary import Summary, UnreadableSummary
from environments.presentation.documents import summary_document
from environments.presentation.text import list_text
from environments.presentation.view import look
from environments.storage.summaries import summaries


@subcommand("list")
def list_(settings: Settings) -> None:
    """List all environments.

    An unreadable environment is listed with its error, and the exit code is 7.
    """
    print_list(settings)


def print_list(settings: Settings) -> None:
    """Print a line for each environment.

    Raises:
        StorageError: The data directory can't be read.
        click.exceptions.Exit: An environment can't be read; the others were printed.
    """
    if not _any(settings):
        emit_empty(settings)
        return
    documents, unreadable = _gathered(settings)
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


def _gathered(settings: Settings) -> tuple[list[dict[str, object]], list[tuple[str, Report]]]:
    """Return the documents of the readable environments, and why the others can't be read."""
    storage = cache(lambda: loading.storage(settings))
    if not loading.is_quiet(settings):
        storage()
    documents: list[dict[str, object]] = []
    unreadable: list[tuple[str, Report]] = []
    for summary in summaries(
        loading.layout(settings), SCHEMA_VERSION, lambda name: Summary.of(storage().load(name))
    ):
        if isinstance(summary, UnreadableSummary):
            unreadable.append((summary.name, _why(settings, summary)))
            continue
        held = False
        if summary.stored_operation is not None and summary.stored_operation.is_active:
            view = look(storage(), summary.name)
            held = view.holder is not None
            if view.environment.revision != summary.revision:  # a command ended meanwhile
                summary = Summary.of(view.environment)
        documents.append(summary_document(summary, settings.spell, held=held))
    return documents, unreadable


def _any(settings: Settings) -> bool:
    try:
        with os.scandir(settings.data_dir) as entries:
            return any(not entry.name.startswith(".") for entry in entries)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # the storage says what is wrong


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
