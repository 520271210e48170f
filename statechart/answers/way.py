"""The way that a value took through its chart, as the marks of a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statechart.picture import Marks, timed
from statechart.terminal.text import when

if TYPE_CHECKING:
    from statechart.stored.repository import ChartRepository


def marks_of(repository: ChartRepository[Any], name: str) -> Marks:
    """Return the marks of a value's transitions and of its state.

    Raises:
        StorageError: Its history can't be read.
    """
    taken = [
        (record.at, str(record.data.get("from_state")), record.event, record.to_state)
        for record in repository.history(name)
        if record.event is not None and record.to_state is not None
    ]
    summary = repository.summary(name)
    return Marks(
        current=summary.state, visits=timed(taken), remark=f"{name}, here since {when(summary.since)}"
    )
