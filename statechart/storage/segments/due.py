"""Read from records which effects are due.

A transition's record names its effects in `data["effects"]`. A record of the type `effect` says that one
of them is done, or that an attempt failed. The first record of a later segment, or of a history that was
begun anew, carries those that were still due.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from pydantic import BaseModel, JsonValue
from pydantic_core import to_json

from statechart.storage.chain import CHECKPOINT, REBASED
from statechart.storage.record import Record
from statechart.utc import UtcDatetime

EFFECT = "effect"
"""The type of a record that settles an effect, or tells of a failed attempt."""

CARRIED = "due"
"""The key in the data of a first record under which effects that are still due are carried on."""

_CARRIERS = (REBASED, CHECKPOINT)
MARKS = (b'"effects":[', b'"due":[')
"""The bytes of which a line has some if it names an effect."""

_FIRST_WAIT = timedelta(seconds=10)
_LONGEST_WAIT = timedelta(hours=1)


class Due(BaseModel, frozen=True, extra="forbid"):
    """An effect that is due.

    Attributes:
        record: The record of its transition.
        effect: The name of the effect.
        attempts: The number of failed attempts.
        error: The error of the last of them.
        not_before: The moment of the next attempt.
    """

    record: Record
    effect: str
    attempts: int = 0
    error: str | None = None
    not_before: UtcDatetime | None = None

    def key(self, lineage: str) -> str:
        """Return the key of the effect, which every repetition of it has, and no other effect."""
        # By the revision: after a history was begun anew, records are counted from 1 again.
        return f"{lineage}/{self.record.revision}/{self.effect}"

    def waits(self, now: datetime) -> bool:
        """Return whether the next attempt is in the future."""
        return self.not_before is not None and self.not_before > now

    def next_attempt(self, now: datetime) -> datetime:
        """Return the moment of the attempt after one that fails now; each wait is twice the one before."""
        doublings = min(self.attempts, 20)
        return now + min(_FIRST_WAIT * (1 << doublings), _LONGEST_WAIT)

    def settled(self, lineage: str, error: str | None, retry: datetime | None) -> dict[str, object]:
        """Return the data of the record that the effect is done, or that an attempt failed."""
        said = {
            "effect": self.effect,
            "of": self.record.revision,
            "key": self.key(lineage),
            "status": "done" if error is None else "failed",
            "attempt": self.attempts + 1,
        }
        return said if error is None else {**said, "error": error, "not_before": retry}


def due(records: Iterable[Record]) -> list[Due]:
    """Return the effects that are due after some records, in the order of their transitions."""
    found: dict[tuple[int, str], Due] = {}
    for record in records:
        if record.type in _CARRIERS:
            for each in _carried(record):
                found[each.record.revision, each.effect] = each
        elif record.type == EFFECT:
            _settle(found, record.data)
        elif record.value is not None:
            for effect in _named(record):
                found[record.revision, effect] = Due(record=record, effect=effect)
    return list(found.values())


def carried_effects(records: Iterable[Record]) -> dict[str, JsonValue]:
    """Return the part of a first record's data that carries the effects that are due after some records."""
    parts: list[JsonValue] = [each.model_dump(mode="json") for each in due(records)]
    return {CARRIED: parts} if parts else {}


def may_be_due(content: bytes) -> bool:
    """Return whether a journal names any effect; the bytes are looked at, not read."""
    return any(part in content for part in MARKS)


def _carried(record: Record) -> Iterable[Due]:
    # A record without a lineage is not the first of a file, and its data is up to the program.
    parts = record.data.get(CARRIED) if "lineage" in record.data else None
    # As JSON, since records are strict, and a moment is a string there.
    return [Due.model_validate_json(to_json(part)) for part in parts] if isinstance(parts, list) else ()


def _named(record: Record) -> Iterable[str]:
    # Not every record with such a key is one of a transition: its data is up to the program.
    names = record.data.get("effects") if record.type == "transition" else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else ()


def _settle(found: dict[tuple[int, str], Due], said: Mapping[str, JsonValue]) -> None:
    revision, effect = said.get("of"), said.get("effect")
    if not isinstance(revision, int) or not isinstance(effect, str) or (revision, effect) not in found:
        return
    if said.get("status") == "done":
        del found[revision, effect]
        return
    found[revision, effect] = Due.model_validate_json(
        to_json(
            {
                "record": found[revision, effect].record,
                "effect": effect,
                "attempts": said.get("attempt"),
                "error": said.get("error"),
                "not_before": said.get("not_before"),
            }
        )
    )
