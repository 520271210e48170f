"""The way that a value took through its chart, as the marks of a picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from statechart.answers.records import state_after
from statechart.graph import failures, states
from statechart.picture import Marks, timed
from statechart.terminal.text import when

if TYPE_CHECKING:
    from datetime import datetime

    from statechart.chart import Chart
    from statechart.storage.record import Record
    from statechart.stored.repository import ChartRepository


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
    visits = timed(
        (record.at, str(record.data.get("from_state")), record.event, record.to_state)
        for record in records
        if record.event is not None and record.to_state is not None
    )
    if state not in states(chart) or since is None:
        return Marks(visits=visits)
    return Marks(
        current=state,
        failed=state in failures(chart),
        visits=visits,
        remark=f"{name}, here since {when(since)}",
    )


def diagram_document(marks: Marks, name: str | None, format: str) -> dict[str, object]:
    """Return the options of a diagram as JSON, without the diagram."""
    return {"format": format, "of": name, "current": marks.current}
