"""The parts of an ended segment that the next segment still needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from statechart.storage.record import Record
from statechart.storage.segments.due import carried_effects


def carried(records: Iterable[Record]) -> Mapping[str, object]:
    """Return what the checkpoint after some records says in its `data`, beside what every checkpoint says.

    Args:
        records: The records of the ended segment, oldest first, read as they are asked for. The first
            may itself be a checkpoint, whose `data` hold what was carried into that segment.

    Returns:
        JSON by key. The keys `lineage`, `name` and `ended` are taken.
    """
    return carried_effects(records)
