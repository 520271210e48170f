"""Detail: everything that the page of a value shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from statechart.answers.activity import active_tree, takers
from statechart.answers.configurations import step_lines, timers_of
from statechart.answers.errors import report
from statechart.answers.records import changed, happened, readable, value_at
from statechart.answers.secrecy import without_secrets
from statechart.answers.values import Shown, look
from statechart.answers.way import marks_after
from statechart.answers.ways import refused_rows
from statechart.answers.why import following
from statechart.configuration import Configuration, recorded_text
from statechart.dashboard.charts.rows import UNREADABLE, Classes
from statechart.errors import InvalidName, NotFound, StatechartError
from statechart.formats.svg import svg
from statechart.picture import compose
from statechart.storage.chain import LAPSED
from statechart.tree import is_nested
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.answers.activity import Active
    from statechart.engine.declaration.timers import Due
    from statechart.picture import Picture
    from statechart.storage.record import Record
    from statechart.stored.effects import DueEffect
    from statechart.stored.repository import ChartRepository
    from statechart.stored.verifying import Report
    from statechart.terminal.report import Report as Explained
    from statechart.terminal.settings import Spells

MOST: Final = 200
"""The records that a page shows at most: a history may have a hundred thousand."""

_SHORT: Final = 60  # characters of JSON that stand on one line


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of the history.

    Attributes:
        what: What happened, in words.
        payload: What came with the event, by its keywords.
        changes: Whether the record is of a change of the value.
        steps: The microsteps, if there are several.
        has_lapsed: Whether the record is of a timer that nothing took.
    """

    seq: int
    revision: int
    at: datetime
    actor: str
    what: str
    payload: Mapping[str, str]
    changes: bool
    steps: tuple[str, ...] = ()
    has_lapsed: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a value.

    Attributes:
        text: The value as text.
        is_block: Whether the text has lines.
    """

    name: str
    text: str
    is_block: bool


@dataclass(frozen=True, slots=True)
class History:
    """The history of a value, as far as it can be read.

    Attributes:
        entries: The latest records, or those around the revision that is shown; the last first.
        total: The number of records.
        lowest: The first revision that can be read.
        highest: The last revision.
        trouble: Why earlier records, or all, can't be read.
    """

    entries: list[Entry] = field(default_factory=list)
    total: int = 0
    lowest: int = 1
    highest: int = 1
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """A value, now or as it was.

    Attributes:
        shown: The value now, or None if it can't be read.
        group: The class of the value then.
        revision: The revision that is asked for, or None for the present.
        changed_at: The time of that revision.
        state: The state then.
        configuration: The configuration then, of a chart with states within states or timers.
        active: The active states then, in a chart with states within states.
        timers: The timers that ran then, the earliest first.
        fields: The fields then.
        pictures: The chart with the way taken until then: level, and upright for narrow screens.
        due: The effects that are due.
        following: The commands that can follow, each with its effect.
        refused: The events that are refused, each with the reason; many with one reason share a row.
        refused_in: The reasons by active state, of events that active states refuse.
        taken_in: The active states that have a transition for each allowed event.
        error: Why the value can't be read.
        verified: What verifying a damaged value found.
    """

    name: str
    history: History
    shown: Shown | None = None
    group: str = UNREADABLE
    revision: int | None = None
    changed_at: datetime | None = None
    state: str = ""
    configuration: Configuration | None = None
    active: tuple[Active, ...] = ()
    timers: tuple[Due, ...] = ()
    fields: list[Field] = field(default_factory=list)
    pictures: tuple[str, str] = ("", "")
    due: list[DueEffect] = field(default_factory=list)
    following: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    refused_in: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    taken_in: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    error: Explained | None = None
    verified: Report | None = None


def detail_of(
    repository: ChartRepository[Any], name: str, revision: int | None, spelling: Spells
) -> Detail:
    """Read a value for its page; a revision beyond those that there are is the nearest.

    Raises:
        InvalidName: No value can have the name.
        NotFound: The name does not exist.
    """
    try:
        shown = look(repository, name)
        due = repository.due_effects(name)
    except (NotFound, InvalidName):
        raise
    except StatechartError as error:
        return _damaged(repository, name, error, spelling)
    records, history = _history(repository, name, revision)
    asked = None if revision is None else max(revision, history.lowest)
    classes = Classes.of(repository.chart)
    facts = _now(repository, shown, classes)
    if asked is not None and asked < shown.summary.revision:
        records = _until(records, asked)
        facts = _then(repository, name, asked, records, classes)
    return Detail(
        name,
        history,
        shown=shown,
        **facts,
        pictures=_pictures(repository, name, records),
        due=due,
        following=[(spelling.spell(words, name), effect) for words, effect in following(shown)],
        refused=list(refused_rows(shown.ways)),
        refused_in=shown.ways.leaves or {},
        taken_in=takers(repository.chart, shown.configuration, (*shown.ways.events, *shown.ways.needing)),
    )


def _now(
    repository: ChartRepository[Any], shown: Shown, classes: Classes
) -> dict[str, Any]:  # Any: attributes of `Detail`
    state = shown.summary.state
    return {
        "group": classes.group_of(state, due=bool(shown.due), held=shown.holder is not None),
        **_standing(repository, shown.configuration or state),
        "fields": fields_of(shown.value),
    }


def _standing(repository: ChartRepository[Any], state: object) -> dict[str, Any]:
    """Return the facts about a state of a value: the text of the state, the active states, and timers."""
    chart, text = repository.chart, recorded_text(state)
    return {
        "state": text,
        "configuration": state if isinstance(state, Configuration) else None,
        "active": active_tree(chart, text) if is_nested(chart) else (),
        "timers": timers_of(chart, state),
    }


def _then(
    repository: ChartRepository[Any], name: str, revision: int, records: list[Record], classes: Classes
) -> dict[str, Any]:  # Any: attributes of `Detail`
    """Return the facts of a revision, from the records up to it."""
    value = value_at(repository, name, revision)
    state = value.state if isinstance(value.state, Configuration) else state_text(value.state)
    return {
        "group": classes.group_of(recorded_text(state)),
        "revision": revision,
        "changed_at": next((each.at for each in records if each.revision == revision), None),
        **_standing(repository, state),
        "fields": fields_of(without_secrets(value)),
    }


def _damaged(
    repository: ChartRepository[Any], name: str, error: StatechartError, spelling: Spells
) -> Detail:
    """Return the known facts of a value that can't be read."""
    records, history = _history(repository, name)
    return Detail(
        name,
        history,
        pictures=_pictures(repository, name, records),
        following=[(spelling.spell("verify NAME", name), "checks its whole history")],
        error=report(error, spelling),
        verified=repository.verify(name)[0],
    )


def _history(
    repository: ChartRepository[Any], name: str, revision: int | None = None
) -> tuple[list[Record], History]:
    """Return the records that can be read, and those around a revision, or the latest, to be shown."""
    found: list[Record] = []
    trouble = None
    try:
        records, gap = readable(repository, name)
        trouble = None if gap is None else str(gap)
        found.extend(records)
    except (NotFound, InvalidName):
        raise
    except StatechartError as error:  # what was read before stays
        trouble = str(error)
    revisions = [each.revision for each in found if each.value is not None]
    return found, History(
        entries=[_entry(each) for each in reversed(_around(found, revision))],
        total=len(found),
        lowest=min(revisions, default=1),
        highest=max(revisions, default=1),
        trouble=trouble,
    )


def _around(records: list[Record], revision: int | None) -> list[Record]:
    end = len(records)
    if revision is not None:
        end = min(end, max(MOST, len(_until(records, revision)) + MOST // 2))
    return records[max(0, end - MOST) : end]


def _entry(record: Record) -> Entry:
    what = happened(record).strip()
    payload: Mapping[str, str] = {}
    if record.event is not None:
        what = changed(record)
        payload = {key: text_of(value) for key, value in record.payload.items()}
    changes = record.value is not None
    steps, lapsed = tuple(step_lines(record)), record.type == LAPSED
    return Entry(
        record.seq, record.revision, record.at, record.actor, what, payload, changes, steps, lapsed
    )


def fields_of(value: Mapping[str, Any]) -> list[Field]:  # Any: JSON
    """Return the fields of a value, without its state."""
    return [
        Field(name, text, "\n" in text)
        for name, found in value.items()
        if name != "state"
        for text in (text_of(found, indent=2),)
    ]


def text_of(value: object, indent: int | None = None) -> str:
    """Return a value as people read it: a text as it is, and anything else as JSON.

    With an indent, JSON that is too long for a line has several.
    """
    if isinstance(value, str) and value:
        return value
    line = json.dumps(value, ensure_ascii=False)
    if indent is None or len(line) <= _SHORT:
        return line
    return json.dumps(value, ensure_ascii=False, indent=indent)


def picture_of(repository: ChartRepository[Any], name: str, revision: int | None) -> Picture:
    """Return the chart with the way that a value took, up to a revision.

    Raises:
        StorageError: The history can't be read.
    """
    records = repository.history(name)
    return compose(repository.chart, marks_after(repository.chart, name, _until(records, revision)))


def _until(records: list[Record], revision: int | None) -> list[Record]:
    return records if revision is None else [each for each in records if each.revision <= revision]


def _pictures(repository: ChartRepository[Any], name: str, records: list[Record]) -> tuple[str, str]:
    """Return the chart with the way taken, level and upright."""
    marks = marks_after(repository.chart, name, records)
    picture = compose(repository.chart, replace(marks, remark=""))  # the page says it already
    return (
        svg(picture, styled=False, prefix="level-"),
        svg(picture, styled=False, prefix="upright-", upright=True),
    )
