"""`list`: one line for each environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from environments.cli import loading
from environments.cli.settings import Settings
from environments.cli.terminal.output import emit, note

if TYPE_CHECKING:
    from environments.cli.report import Report
    from environments.model.summary import Summary, UnreadableSummary
    from environments.storage.file import FileRepository


def list_(settings: Settings) -> None:
    """List all environments.

    One that can't be read does not keep the others from being shown; the exit code is then 7.
    """
    if not _any(settings):
        emit_empty(settings)
        return
    from environments.cli.report import ExitCode
    from environments.presentation.documents import unreadable_document
    from environments.presentation.text import list_text

    documents, unreadable = _gathered(settings)
    document = {
        "environments": documents,
        "unreadable": [unreadable_document(name, report) for name, report in unreadable],
    }
    emit(settings, document, list_text(documents, [(name, report.message) for name, report in unreadable]))
    for name, report in unreadable:
        note(f"next, for {name}: {report.next[0] if report.next else settings.spell('list')}")
    if unreadable:
        raise typer.Exit(ExitCode.STORAGE)


def _gathered(settings: Settings) -> tuple[list[dict[str, object]], list[tuple[str, Report]]]:
    """Return what the list shows of each environment, and why some can't be read."""
    from environments.model.summary import Summary
    from environments.presentation.documents import summary_document
    from environments.presentation.view import look

    storage = loading.storage(settings)
    documents: list[dict[str, object]] = []
    unreadable: list[tuple[str, Report]] = []
    for summary in storage.summaries():
        if not isinstance(summary, Summary):
            unreadable.append((summary.name, _why(settings, summary)))
            continue
        held = False
        if summary.operation is not None and summary.operation.is_active:
            view = look(storage, summary.name)
            held = view.holder is not None
            summary = _renewed(storage, summary, view.environment.revision)
        documents.append(summary_document(summary, settings, held=held))
    return documents, unreadable


def _any(settings: Settings) -> bool:
    try:
        return bool(loading.names(settings))
    except FileNotFoundError:
        return False
    except OSError:
        return True  # the storage says what is wrong


def emit_empty(settings: Settings) -> None:
    """Print a list of nothing, and tell how to get something into it."""
    if settings.json:
        emit(settings, {"environments": [], "unreadable": []}, "")
        return
    missing = "" if settings.data_dir.is_dir() else ", which does not exist"
    note(f"no environments in {settings.data_dir.absolute()}{missing}")
    note(f"next: {settings.spell('create NAME --app DIR')}")


def _why(settings: Settings, summary: UnreadableSummary) -> Report:
    from environments.cli.error_reports import report
    from environments.cli.report import ExitCode, Report

    found = report(summary.error, settings)
    return found or Report(ExitCode.STORAGE, "unreadable", str(summary.error))


def _renewed(storage: FileRepository, summary: Summary, revision: int) -> Summary:
    """Return the summary as it is now, if a command ended while it was looked at."""
    from environments.model.summary import Summary

    if summary.revision == revision:
        return summary
    return Summary.model_validate_json(storage.load(summary.name).model_dump_json())
