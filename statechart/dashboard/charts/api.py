"""The API: the documents of `python -m statechart … --json`, by address."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from statechart.answers.configurations import timers_of
from statechart.answers.records import (
    opening_document,
    past_document,
    readable,
    record_document,
    value_at,
)
from statechart.answers.spelling import PROGRAM
from statechart.answers.timers import timers_document
from statechart.answers.values import (
    allowed_document,
    document_of,
    due_document,
    list_document,
    look,
    verified_document,
)
from statechart.answers.way import diagram_document, marks_of
from statechart.answers.why import story_of, why_document
from statechart.dashboard.api.answering import Answer
from statechart.dashboard.api.calls import Api, Call
from statechart.dashboard.api.paging import PAGING, page_of
from statechart.dashboard.api.parameters import choice, text
from statechart.dashboard.charts.desk import Desk
from statechart.dashboard.charts.rows import GROUPS
from statechart.dashboard.charts.schemas import schemas
from statechart.diagram import FORMATS, render
from statechart.picture import Marks
from statechart.stored.damage import Damaged
from statechart.stored.reading.listing import texts_of
from statechart.stored.timers.reading import FOREVER
from statechart.terminal.program.moments import read_moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from statechart.dashboard.api.calls import Ask
    from statechart.dashboard.charts.rows import ValueRow
    from statechart.errors import StatechartError

_TEXTS: Final = tuple(each for each in FORMATS if each != "png")

LISTED: Final = (
    text("q", "Words that all have to be in a line of the list, in any order.", example="A-1 paid"),
    choice("group", "Only values of this class.", GROUPS),
    text("state", "Only values in this state.", example="paid"),
    *PAGING,
)
AT: Final = text(
    "at", "A revision, or a time in ISO 8601 (UTC by default); by default now.", example="2030-01-31T18:00"
)
FORMAT: Final = choice("format", "The format of the diagram.", _TEXTS, default="mermaid")


def _list(ask: Ask[Desk]) -> Answer:
    def lists(rows: Sequence[ValueRow]) -> dict[str, object]:
        return list_document(
            [row.summary for row in rows if row.summary is not None],
            [row.damage for row in rows if row.damage is not None],
            ask.desk.spelling,
        )

    facets = {}
    if (state := ask.values["state"]) is not None:
        (facets["state"],) = texts_of(ask.desk.repository.chart, state)
    return page_of(ask.desk.board.index, ask, LISTED, facets, lists)


def _show(ask: Ask[Desk]) -> Answer:
    repository, spelling, at = ask.desk.repository, ask.desk.spelling, ask.values["at"]
    if at is None:
        return Answer(document_of(look(repository, ask.name), spelling))
    moment = read_moment(spelling, ask.name, at.strip())
    repository.load(ask.name)  # an unknown name is told before a moment that there was not
    then = value_at(repository, ask.name, moment)
    return Answer(past_document(ask.name, at.strip(), then))


def _history(ask: Ask[Desk]) -> Answer:
    records, gap = readable(ask.desk.repository, ask.name)
    return Answer({**opening_document(ask.name, gap), "history": list(map(record_document, records))})


def _why(ask: Ask[Desk]) -> Answer:
    shown = look(ask.desk.repository, ask.name)
    return Answer(why_document(shown, story_of(ask.desk.repository, shown), ask.desk.spelling))


def _allowed(ask: Ask[Desk]) -> Answer:
    return Answer(allowed_document(look(ask.desk.repository, ask.name)))


def _diagram(ask: Ask[Desk]) -> Answer:
    repository, format, name = ask.desk.repository, ask.values["format"], ask.name or None
    marks = Marks() if name is None else marks_of(repository, name)
    drawn = render(repository.chart, format, marks=marks)
    return Answer({**diagram_document(marks, name, format), "diagram": drawn})


def _effects(ask: Ask[Desk]) -> Answer:
    damaged: dict[str, StatechartError] = {}
    due = ask.desk.repository.due_effects(ask.name or None, on_damage=damaged.__setitem__)
    unreadable = [Damaged(each, error) for each, error in damaged.items()]
    return Answer(due_document(due, unreadable, ask.desk.spelling))


def _timers(ask: Ask[Desk]) -> Answer:
    repository, now = ask.desk.repository, datetime.now(UTC)
    if ask.name:
        found = timers_of(repository.chart, repository.load(ask.name).state)
        return Answer(timers_document(((ask.name, each) for each in found), {}, now, ask.desk.spelling))
    damaged: dict[str, StatechartError] = {}
    every = list(repository.due(FOREVER, on_damage=damaged.__setitem__))
    return Answer(timers_document(every, damaged, now, ask.desk.spelling))


def _verify(ask: Ask[Desk]) -> Answer:
    return Answer(verified_document(ask.desk.repository.verify(ask.name)))


CALLS: Final[tuple[Call[Desk], ...]] = (
    Call(
        "/values",
        "listValues",
        "List values, those that need a person first.",
        f"{PROGRAM} list CHART",
        "ValueList",
        _list,
        LISTED,
    ),
    Call(
        "/values/{name}",
        "showValue",
        "Show a value: its state, its fields and the events that may follow.",
        f"{PROGRAM} show CHART NAME",
        "Value",
        _show,
        (AT,),
    ),
    Call(
        "/values/{name}/history",
        "listRecords",
        "Show the records of a value.",
        f"{PROGRAM} history CHART NAME",
        "History",
        _history,
    ),
    Call(
        "/values/{name}/why",
        "explainValue",
        "Explain how a value came to its state.",
        f"{PROGRAM} why CHART NAME",
        "Explanation",
        _why,
    ),
    Call(
        "/values/{name}/allowed",
        "listEvents",
        "Show the events that a value allows, and why not the others.",
        f"{PROGRAM} allowed CHART NAME",
        "Events",
        _allowed,
    ),
    Call(
        "/values/{name}/effects",
        "listEffectsOfValue",
        "List the effects of a value that are due.",
        f"{PROGRAM} effects CHART NAME",
        "DueEffects",
        _effects,
    ),
    Call(
        "/values/{name}/timers",
        "listTimersOfValue",
        "List the timers of a value that run, the earliest first.",
        f"{PROGRAM} show CHART NAME",
        "Timers",
        _timers,
    ),
    Call(
        "/values/{name}/verify",
        "verifyValue",
        "Check the history of a value for damage.",
        f"{PROGRAM} verify CHART NAME",
        "Verified",
        _verify,
    ),
    Call(
        "/values/{name}/diagram",
        "drawValue",
        "Draw the chart with the path of a value.",
        f"{PROGRAM} diagram CHART --of NAME",
        "Diagram",
        _diagram,
        (FORMAT,),
    ),
    Call(
        "/effects",
        "listEffects",
        "List the effects of all values that are due.",
        f"{PROGRAM} effects CHART",
        "DueEffects",
        _effects,
    ),
    Call(
        "/timers",
        "listTimers",
        "List the timers of all values that run, the earliest first.",
        f"{PROGRAM} timers list CHART",
        "Timers",
        _timers,
    ),
    Call(
        "/diagram",
        "drawChart",
        "Draw the chart.",
        f"{PROGRAM} diagram CHART",
        "Diagram",
        _diagram,
        (FORMAT,),
    ),
)
"""All calls that answer with a document of the command line."""

API: Final = Api(
    "statechart",
    "The values of a chart, read without their locks. Each document is the document that the command "
    "prints with `--json`.",
    noun="value",
    program=f"{PROGRAM} dashboard",
    calls=CALLS,
    schemas=schemas,
)
"""The API of the values of a chart."""
