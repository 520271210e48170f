"""The way that a value took through its chart, as the marks of a picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from statechart.answers.configurations import ALWAYS, is_failed
from statechart.answers.records import state_after
from statechart.configuration import JOINED, Configuration, active_in
from statechart.graph import shortest_path
from statechart.picture import Marks, timed
from statechart.stored.replaying.macrosteps import microsteps
from statechart.terminal.text import when
from statechart.tree import every_state
from statechart.wording import state_text

if TYPE_CHECKING:
    from datetime import datetime

    from statechart.chart import Chart
    from statechart.engine.hooks import Microstep
    from statechart.storage.record import Record
    from statechart.stored.repository import ChartRepository


@dataclass(frozen=True, slots=True)
class Ahead:
    """An event on the way to a state.

    Attributes:
        event: The event.
        target: The state that it leads to, or the text of a configuration.
        timer: The timer that fires it as well, or None.
        due: The deadline of that timer, if the event is the next.
    """

    event: str
    target: str
    timer: str | None = None
    due: datetime | None = None

    def __str__(self) -> str:
        if self.timer is None:
            return f"→ {self.target}"
        until = f"wait until {when(self.due)}" if self.due is not None else "wait for its timer"
        return f"→ {self.target}; or {until} ({self.timer})"


def way_to(chart: type[Chart], state: object, target: str) -> tuple[Ahead, ...] | None:
    """Return the fewest events that lead from a state to another, or None; guards are not asked.

    Args:
        chart: The chart.
        state: The state of the value: a configuration, or a text.
        target: The state, at any depth, or the text of a configuration.

    Raises:
        UnknownState: The chart has no such state, or can't be in such a configuration.
        Unexplored: The chart has too many configurations to look at each.
    """
    if JOINED in target and chart._holds_configuration:
        Configuration.of(chart, *target.split(JOINED))  # of states that contradict each other, it raises
    found = shortest_path(chart, state, target)
    if found is None:
        return None
    running = dict(state.timers) if isinstance(state, Configuration) else {}
    ahead = []
    for edge in found:
        active = active_in(chart, edge.source)
        alarms = [each for each in chart._alarms.values() if each.event == edge.event]
        timer = next((each.name for each in alarms if each.owner in active), None)
        ahead.append(Ahead(edge.event or ALWAYS, edge.target, timer, running.get(timer or "")))
        running = {}  # which of them still run then depends on what the event enters again
    return tuple(ahead)


def way_document(target: str, way: tuple[Ahead, ...] | None) -> dict[str, object]:
    """Return the way to a state as JSON; null if no events lead there."""
    steps = None if way is None else [to_jsonable_python(asdict(each)) for each in way]
    return {"to": target, "way": steps}


def marks_of(repository: ChartRepository[Any], name: str) -> Marks:
    """Return the marks of a value's transitions and of its state.

    Raises:
        StorageError: Its history can't be read.
    """
    summary = repository.summary(name)
    return _marks(repository.chart, name, repository.history(name), summary.state, summary.since)


def marks_after(chart: type[Chart], name: str, records: Iterable[Record]) -> Marks:
    """Return the marks of the transitions in records, and of the state that they end in.

    A state that the chart does not have is not marked.
    """
    listed, state, since = list(records), "", None
    for record in listed:
        entered = state_after(record)
        if entered is not None and entered != state:
            state, since = entered, record.at
    return _marks(chart, name, listed, state, since)


def _marks(
    chart: type[Chart], name: str, records: Iterable[Record], state: str, since: datetime | None
) -> Marks:
    taken = list(_taken(chart, records))
    visits = [
        replace(visit, steps=steps)
        for visit, (_, steps) in zip(timed(moved for moved, _ in taken), taken, strict=True)
    ]
    if since is None or not _knows(chart, state):
        return Marks(visits=visits)
    return Marks(
        current=state,
        failed=is_failed(chart, state),
        visits=visits,
        remark=f"{name}, here since {when(since)}",
    )


def _taken(
    chart: type[Chart], records: Iterable[Record]
) -> Iterator[tuple[tuple[datetime, str, str, str], tuple[Microstep, ...]]]:
    """Yield each transition with its moment, and its microsteps if the chart takes several."""
    before: object = None
    for record in records:
        if record.event is not None and record.to_state is not None:
            steps = microsteps(chart, record, before) if isinstance(before, Configuration) else ()
            yield (record.at, str(record.data.get("from_state")), record.event, record.to_state), steps
        if record.value is not None:
            before = _configuration(record.value.get("state"))


def _configuration(state: Any) -> Configuration | None:  # Any: JSON
    try:
        return Configuration.model_validate(state) if isinstance(state, dict) else None
    except ValidationError:  # of another chart, or damaged
        return None


def _knows(chart: type[Chart], state: str) -> bool:
    """Return whether all states of a text are the chart's."""
    parts = state.split(JOINED) if chart._holds_configuration else [state]
    return set(parts) <= {state_text(each.value) for each in every_state(chart)}


def diagram_document(marks: Marks, name: str | None, format: str) -> dict[str, object]:
    """Return the options of a diagram as JSON, without the diagram."""
    return {"format": format, "of": name, "current": marks.current}
