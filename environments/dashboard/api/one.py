"""The answers about one environment: the documents that `--json` prints, with entity tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from environments.dashboard.api.spoken import spoken
from environments.dashboard.desk import surroundings_of
from environments.lifecycle import Lifecycle
from environments.model.records import StepRecord
from environments.presentation.answers.chart import chart_document, chart_marks
from environments.presentation.answers.history import history_opening, past, past_document, readable_history
from environments.presentation.answers.logs import log_document, trace_document
from environments.presentation.answers.now import look_closely, story, why_document
from environments.presentation.documents import (
    environment_document,
    history_document,
    last_look_document,
)
from environments.presentation.view import look
from statechart.dashboard.api.answering import Answer, digest
from statechart.dashboard.api.parameters import choice, text, whole
from statechart.diagram import FORMATS, Format, draw
from statechart.terminal.program.moments import read_moment

if TYPE_CHECKING:
    from datetime import datetime

    from environments.dashboard.desk import Desk
    from statechart.dashboard.api.calls import Ask

_TEXTS: Final = tuple(each for each in FORMATS if each != "png")
_MOST_LINES: Final = 10_000
_MOST_BYTES: Final = 1 << 24

AT: Final = text(
    "at", "A revision, or a time in ISO 8601 (UTC by default); by default now.", example="2030-01-31T18:00"
)
FORMAT: Final = choice("format", "The format of the diagram.", _TEXTS, default="mermaid")
LINES: Final = whole("lines", "The number of lines.", default=50, lowest=0, highest=_MOST_LINES)


def environment(ask: Ask[Desk]) -> Answer:
    """Return an environment, as `show --json` prints it, or as it was."""
    workspace, spell, at = ask.desk.workspace, ask.desk.spell, _moment(ask)
    if at is not None:
        then = past(workspace, ask.name, at)
        tag = f"{then.environment.lineage}-{then.entry.revision}-{then.entry.seq}-past"
        document = past_document(then, spell, workspace.directory(ask.name))
        return Answer(spoken(document, then.environment.spec), tag)
    # Before the environment: what is recorded in between must not have the tag of what is read.
    seq = workspace.last_seq(ask.name)
    view = look_closely(workspace, ask.name)
    environment = view.environment
    document = spoken(environment_document(view, spell, workspace.directory(ask.name)), environment.spec)
    tag = f"{environment.lineage}-{environment.revision}-{seq}"
    # A lock, a process that died, time, and a look at the resources change it without a record.
    is_more = view.holder is not None or view.interrupted or view.last_look is not None
    return Answer(document, f"{tag}-{digest(document)}" if is_more else tag)


def history(ask: Ask[Desk]) -> Answer:
    """Return the records, as `history --json` prints them."""
    entries, gap = readable_history(ask.desk.workspace, ask.name)
    records, spec = [], None
    for entry in entries:
        records.append(history_document(entry))
        if not isinstance(entry.record, StepRecord):
            spec = entry.record.environment.spec
    document = {**history_opening(ask.name, gap), "history": records}
    return Answer(document if spec is None else spoken(document, spec))


def why(ask: Ask[Desk]) -> Answer:
    """Return an environment and its story, as `why --json` prints them."""
    view, told = story(ask.desk.workspace, ask.name)
    document = why_document(view, told, ask.desk.spell, ask.desk.workspace.directory(ask.name))
    return Answer(spoken(document, view.environment.spec))


def chart(ask: Ask[Desk]) -> Answer:
    """Return the chart with the path of an environment, as `diagram --of --json` prints it."""
    marks = chart_marks(ask.desk.workspace, ask.name, _moment(ask))
    format = cast("Format", ask.values["format"])  # it was checked
    drawn = draw(Lifecycle, format, marks=marks).decode()
    return Answer({**chart_document(marks, ask.name, format), "diagram": drawn})


def log(ask: Ask[Desk]) -> Answer:
    """Return the end of the service's log, as `logs --json` prints it."""
    return Answer(log_document(ask.desk.workspace, ask.name, ask.values["lines"], _MOST_BYTES))


def trace(ask: Ask[Desk]) -> Answer:
    """Return the trace of the last failed command, as `logs --trace --json` prints it."""
    return Answer(trace_document(ask.desk.workspace, ask.name))


def drift(ask: Ask[Desk]) -> Answer:
    """Return the last look for drift, as `show --json` prints it."""
    view = look(ask.desk.workspace, ask.name)
    found = last_look_document(view.last_look, view.environment, ask.desk.spell)
    return Answer(spoken({"name": ask.name, "drift": found}, view.environment.spec))


def _moment(ask: Ask[Desk]) -> int | datetime | None:
    at: str | None = ask.values["at"]
    return None if at is None else read_moment(surroundings_of(ask.desk), ask.name, at.strip())
