"""`diagram`: draw the lifecycle or the path of an environment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from environments.cli import loading
from environments.cli.arguments import complete_state
from environments.cli.refusal import UsageRefused
from environments.cli.settings import Settings
from environments.cli.terminal.output import emit, note
from environments.lifecycle import Lifecycle
from environments.model.records import TransitionRecord
from statechart.diagram import FORMATS, Format, draw
from statechart.picture import Marks, Visit, chosen
from statechart.wording import nearest

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.records import HistoryEntry


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
    from environments.cli.commands.diagram import draw_chart

    draw_chart(settings, format, of=of, state=state, path=path, output=output)


def draw_chart(
    settings: Settings,
    format: str,
    *,
    of: str | None,
    state: str | None,
    path: str | None,
    output: Path | None,
) -> None:
    """Print the diagram, or write it to a file.

    Raises:
        Refusal: There is no such format, or the file can't be written.
        DiagramUnavailable: The format needs something that is not installed.
    """
    if format not in FORMATS:
        near = nearest(format, FORMATS) or FORMATS[0]
        raise UsageRefused(
            f"there is no format {format!r}: use {', '.join(FORMATS)}",
            (f"envchart diagram --format {near}",),
        )
    if sum(mark is not None for mark in (of, state, path)) > 1:
        raise UsageRefused(
            "--of, --state and --path each mark something: choose one", ("envchart diagram --of NAME",)
        )
    if format == "png" and output is None and (settings.json or sys.stdout.isatty()):
        raise UsageRefused(
            "png is not text: write it to a file", ("envchart diagram --format png --output FILE",)
        )
    marks = _marks_of(settings, of) if of is not None else chosen(Lifecycle, state, path)
    drawn = draw(Lifecycle, cast("Format", format), marks=marks)  # it was checked
    failed = marks.current if marks.failed else None
    document: dict[str, object] = {"format": format, "of": of, "current": marks.current, "failed": failed}
    if output is not None:
        _save(output, drawn)
        if settings.json:
            emit(settings, {**document, "output": str(output)}, "")
        else:
            note(f"written to {output}")
    elif format == "png":
        sys.stdout.buffer.write(drawn)
    else:
        text = drawn.decode()
        emit(settings, {**document, "diagram": text}, text)


def _save(output: Path, drawn: bytes) -> None:
    try:
        output.write_bytes(drawn if drawn.endswith(b"\n") or output.suffix == ".png" else drawn + b"\n")
    except OSError as error:
        raise UsageRefused(
            f"{output} can't be written: {error.strerror}", ("envchart diagram --output FILE",)
        ) from error


def _marks_of(settings: Settings, name: str) -> Marks:
    storage = loading.storage(settings)
    entries = storage.history(name)
    environment = storage.load(name)
    return Marks(
        current=environment.state.name.value,
        failed=environment.failure is not None,
        visits=_visits(entries),
        remark=_remark(environment),
    )


def _visits(entries: list[HistoryEntry]) -> list[Visit]:
    taken = [(entry.at, entry.record) for entry in entries if isinstance(entry.record, TransitionRecord)]
    days = {at.date() for at, _ in taken}
    shown = "%H:%M:%S" if len(days) < 2 else "%m-%d %H:%M:%S"
    return [
        Visit(record.from_state, record.event, record.to_state, f"{number} at {at:{shown}}Z")
        for number, (at, record) in enumerate(taken, 1)
    ]


def _remark(environment: AnyEnvironment) -> str:
    since = f"{environment.name}, here since {environment.since:%Y-%m-%d %H:%M:%S}Z"
    operation, failure = environment.operation, environment.failure
    if failure is not None:
        return f"{since}, {failure.command} failed at step {failure.step}"
    if operation is not None and operation.step is not None:
        return f"{since}, {operation.command} at step {operation.step.name}"
    return since
