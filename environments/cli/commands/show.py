"""The subcommands that only look."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from environments.cli import loading
from environments.cli.arguments import NameArgument, complete_state
from environments.cli.settings import Settings
from environments.cli.terminal.output import emit, note

if TYPE_CHECKING:
    from environments.cli.error_reports import Report
    from environments.model.summary import Summary, UnreadableSummary
    from environments.storage.file import FileRepository


def show(settings: Settings, name: NameArgument) -> None:
    """Show an environment: its state, what is wrong, and what can be done next."""
    from environments.presentation.documents import environment_document
    from environments.presentation.text import environment_text
    from environments.presentation.view import look

    storage = loading.storage(settings)
    view = look(storage, name)
    directory = storage.directory(name)
    emit(
        settings,
        environment_document(view, settings, directory),
        environment_text(view, settings, directory),
    )


def list_(settings: Settings) -> None:
    """List all environments.

    One that can't be read does not keep the others from being shown; the exit code is then 7.
    """
    if not _any(settings):
        emit_empty(settings)
        return
    from environments.cli.error_reports import ExitCode
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
    from environments.cli.error_reports import ExitCode, Report, report

    found = report(summary.error, settings)
    return found or Report(ExitCode.STORAGE, "unreadable", str(summary.error))


def _renewed(storage: FileRepository, summary: Summary, revision: int) -> Summary:
    """Return the summary as it is now, if a command ended while it was looked at."""
    from environments.model.summary import Summary

    if summary.revision == revision:
        return summary
    return Summary.model_validate_json(storage.load(summary.name).model_dump_json())


def history(
    settings: Settings,
    name: NameArgument,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="REVISION|TIME",
            help="Show the environment as it was: at a revision, or at a time (ISO 8601, UTC).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what happened to an environment: its transitions and steps, when, how long, by whom."""
    from environments.presentation.documents import history_document
    from environments.presentation.text import history_text

    entries = loading.storage(settings).history(name)
    if at is not None:
        from environments.cli.past import print_past

        print_past(settings, name, entries, at)
        return
    document = {"name": name, "history": [history_document(entry) for entry in entries]}
    emit(settings, document, history_text(entries))


def logs(
    settings: Settings,
    name: NameArgument,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, metavar="N", help="How many lines.")] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-F", metavar="", help="Go on as the log grows, until Ctrl-C.")
    ] = False,
    trace: Annotated[
        bool, typer.Option("--trace", metavar="", help="Show the trace of the last failed command instead.")
    ] = False,
) -> None:
    """Show the end of what the environment's service said."""
    from environments.cli.refusal import Refusal
    from environments.presentation.log_files import print_log, print_trace

    if follow and (trace or settings.json):
        other = "--trace" if trace else "--json"
        raise Refusal(
            f"--follow has no end, and {other} needs one", (settings.spell("logs NAME --follow", name),)
        )
    if trace:
        print_trace(settings, name)
    else:
        print_log(settings, name, lines, follow=follow)


def diagram(
    settings: Settings,
    format: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="mermaid, dot, svg, png, md, rst or json.")
    ] = "mermaid",
    of: Annotated[
        str | None,
        typer.Option(
            "--of",
            metavar="NAME",
            help="Mark what this environment went through, and where it is.",
            show_default=False,
        ),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="Mark a state.",
            autocompletion=complete_state,
            show_default=False,
        ),
    ] = None,
    path: Annotated[
        str | None,
        typer.Option(
            "--path", metavar="EVENT,...", help="Mark the path of these events.", show_default=False
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it to a file.", show_default=False),
    ] = None,
) -> None:
    """Draw the chart of all states and events."""
    from environments.cli.drawing import draw_chart

    draw_chart(settings, format, of=of, state=state, path=path, output=output)


def docs(
    settings: Settings,
    action: Annotated[str, typer.Argument(metavar="write|check", help="Write, or only compare.")],
    places: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Pages and directories; by default README.md and docs."),
    ] = None,
) -> None:
    """Keep the diagrams in documentation fresh: write them between their markers, or check them."""
    from environments.cli.pages import check, update
    from environments.cli.refusal import Refusal

    if action not in ("write", "check"):
        raise Refusal(f"docs does not know {action!r}", ("envchart docs check", "envchart docs write"))
    (update if action == "write" else check)(settings, places or [])


def schema(settings: Settings) -> None:
    """Print the JSON Schema of an environment's file, for editors."""
    import json

    from environments.configuration.spec_file import spec_schema

    document = spec_schema()
    emit(settings, document, json.dumps(document, indent=2))
