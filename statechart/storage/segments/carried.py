"""The parts of an ended segment that the next segment still needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from statechart.storage.chain import CHECKPOINT, CREATED, REBASED
from statechart.storage.record import Record
from statechart.storage.segments.due import carried_effects

ENTERED = "entered_at"
"""The key of the time at which the value's state was entered, for lists that read only the last segment."""

CHANGED = "changed_at"
"""The key of the time of the value's last change, likewise."""


def carried(records: Iterable[Record]) -> Mapping[str, object]:
    """Return the `data` of the checkpoint after some records, without the keys that every checkpoint has.

    Args:
        records: The records of the ended segment, oldest first, read as they are asked for. The first
            may itself be a checkpoint, whose `data` hold what was carried into that segment.

    Returns:
        JSON by key. The keys `lineage`, `name` and `ended` are taken.
    """
    said: dict[str, object] = {}
    return {**carried_effects(_watched(records, said)), **said}


def enters(type: str, data: Mapping[str, object]) -> bool:
    """Return whether a record enters a state; an event that leads back to its own state does not."""
    return type in (CREATED, REBASED) or data.get("to_state") not in (None, data.get("from_state"))


def _watched(records: Iterable[Record], said: dict[str, object]) -> Iterator[Record]:
    """Yield records, and keep the times at which the value was changed, and its state entered, last."""
    revision = 0
    for record in records:
        if record.type == CHECKPOINT:
            said |= {key: record.data[key] for key in (ENTERED, CHANGED) if key in record.data}
        elif enters(record.type, record.data):
            said[ENTERED] = record.at
        if record.type != CHECKPOINT and record.revision != revision:
            said[CHANGED] = record.at
        revision = record.revision
        yield record
