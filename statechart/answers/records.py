"""Records: the histories of values as text and as documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from statechart.answers.configurations import configured, step_lines
from statechart.answers.secrecy import without_secrets
from statechart.configuration import recorded_text
from statechart.errors import UnusableSegment
from statechart.storage.chain import CHECKPOINT, CREATED, LAPSED, REBASED
from statechart.terminal.text import precise, when
from statechart.wording import listed

if TYPE_CHECKING:
    from statechart.storage.record import Record
    from statechart.stored.repository import ChartRepository

_HIDDEN = ("lineage", "name")


def readable(
    repository: ChartRepository[Any], name: str
) -> tuple[Iterator[Record], UnusableSegment | None]:
    """Return the records that can be read, and the segment that keeps earlier ones from being read.

    Raises:
        StorageError: The journal itself can't be read.
    """
    store = repository.store
    records = store.records(name)
    try:
        first = next(records)
    except UnusableSegment as gap:
        behind = gap.last_seq + 1
        return store.records(name, enough=lambda opening: opening.seq == behind), gap
    return chain([first], records), None


def record_rows(records: Iterable[Record]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield the cells of each record's line, and of a line for each of several microsteps."""
    for record in records:
        yield str(record.seq), str(record.revision), precise(record.at), record.actor, happened(record)
        for line in step_lines(record):
            yield "", "", "", "", f"  {line}"


def happened(record: Record) -> str:
    """Describe a record in a few words."""
    if record.event is not None:
        change = changed(record)
        return f"{change} ({payload_text(record.payload)})" if record.payload else change
    if record.type == LAPSED:
        data = record.data
        return f"{data.get('event')}: nothing took it in {data.get('to_state')}{_timer(record)}"
    match record.type:
        case "created":
            return "created"
        case "checkpoint":
            return "a segment of the history begins"
        case "rebased":
            said = f": {reason}" if (reason := record.data.get("reason")) else ""
            kept = record.data.get("damaged")
            return f"a new history was begun; the damaged one was kept as {kept}{said}"
        case "effect":
            return f"  {_effect(record.data)}"
    return f"{record.type} {_said(record.data)}".rstrip()


def changed(record: Record) -> str:
    """Describe the transition of a record, without what came with its event."""
    return f"{record.event}: {record.data.get('from_state')} → {record.to_state}{_timer(record)}"


def _timer(record: Record) -> str:
    """Return the timer that fired the event of a record, in brackets."""
    timer, due = record.data.get("timer"), _moment(record.data.get("due"))
    if timer is None:
        return ""
    return f" (timer {timer}{'' if due is None else f', due {when(due)}'})"


def _moment(text: object) -> datetime | None:
    with suppress(ValueError):
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    return None


def _effect(data: Any) -> str:  # Any: JSON
    what = f"effect {data.get('effect')} of revision {data.get('of')}"
    if data.get("status") == "done":
        return f"{what}: done"
    return f"{what}: attempt {data.get('attempt')} failed: {data.get('error')}"


def told(record: Record) -> str:
    """Describe a record in a sentence, with time and author; empty for one that changes nothing."""
    at = f"{when(record.at)} by {record.actor}"
    if record.event is not None:
        payload = f" with {payload_text(record.payload)}" if record.payload else ""
        source = record.data.get("from_state")
        steps = [line.partition(":")[0] for line in step_lines(record)][1:]
        then = f", followed by {listed(steps)}" if steps else ""
        by = f"{record.event}{_timer(record)}"
        return f"{at}: {by} took it from {source} to {record.to_state}{payload}{then}"
    if record.type == CREATED:
        return f"{at}: created"
    if record.type == REBASED:
        return f"{at}: its damaged history was kept as {record.data.get('damaged')}, and a new one begun"
    if record.type == CHECKPOINT or record.value is None:
        return ""
    return f"{at}: {happened(record).strip()}"


def payload_text(payload: Any) -> str:  # Any: JSON
    """Return a payload as it is typed."""
    return " ".join(f"{name}={_shown(value)}" for name, value in payload.items())


def state_after(record: Record) -> str | None:
    """Return the state after a record, or None for a record without a value."""
    if record.to_state is not None:
        return record.to_state
    return None if record.value is None else recorded_text(record.value.get("state"))


def record_document(record: Record) -> dict[str, object]:
    """Return a record as JSON; of the value after it, only the state."""
    document = record.model_dump(mode="json", exclude={"value", "data", "prev"}, exclude_none=True)
    document |= {name: value for name, value in record.data.items() if name not in _HIDDEN}
    if record.value is not None:
        state = record.value.get("state")
        document |= configured(state) if isinstance(state, dict) else {"state": state}
    return document


def opening_document(name: str, gap: UnusableSegment | None) -> dict[str, object]:
    """Return the beginning of a history as JSON: the name, and the records that can't be read."""
    missing = {} if gap is None else {"missing": {"first_seq": 1, "last_seq": gap.last_seq}}
    return {"name": name, **missing}


def value_at(repository: ChartRepository[Any], name: str, moment: int | datetime) -> Any:  # Any: the model
    """Return the value of a name as it was at a revision, or at a moment.

    Raises:
        NoSuchMoment: There is no such revision, or the value did not exist at the moment.
        StorageError: The history can't be read.
    """
    if isinstance(moment, int):
        return repository.at(name, revision=moment)
    return repository.at(name, at=moment)


def past_document(name: str, asked: str, value: Any) -> dict[str, Any]:  # Any: the model, and JSON
    """Return a value as it was, as JSON; `asked` is the revision or the time as typed."""
    return {
        "name": name,
        "asked": asked,
        **configured(value.state),
        "value": without_secrets(value),
    }


def _said(data: Any) -> str:  # Any: JSON
    return " ".join(f"{name}={_shown(value)}" for name, value in data.items() if name not in _HIDDEN)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
