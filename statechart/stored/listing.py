"""List values by their state, without locks: from the documents and the ends of the journals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

from statechart.chart import State
from statechart.engine.values import require_state, state_of
from statechart.errors import CorruptHistory, NotFound, StorageError, UnknownState
from statechart.storage.chain import CHECKPOINT
from statechart.storage.forms import read_json
from statechart.storage.segments.carried import CHANGED, ENTERED, enters
from statechart.storage.session import ModelT
from statechart.stored.binding import require_recorded
from statechart.stored.damage import Damaged
from statechart.stored.endings import ending, last_records, record_of
from statechart.wording import state_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statechart.chart import Chart
    from statechart.storage.layout import Layout
    from statechart.storage.repository import JsonFileRepository


@dataclass(frozen=True, slots=True)
class Summary:
    """A value in a list.

    Attributes:
        state: The text of the state.
        revision: The number of the last change, counted from 1.
        since: The time at which the state was entered.
        at: The time of the last change.
        actor: The author of the last change.
    """

    name: str
    state: str
    revision: int
    since: datetime
    at: datetime
    actor: str = ""


class _Recent(NamedTuple):
    revision: int
    since: datetime
    at: datetime
    actor: str


def texts_of(chart: type[Chart], wanted: object) -> frozenset[str]:
    """Return the texts of some states: a state, its name, its value, or an iterable of these.

    Raises:
        UnknownState: The chart has no such state; the error names the nearest.
    """
    if isinstance(wanted, Iterable) and not isinstance(wanted, (str, Enum)):
        return frozenset(text for each in wanted for text in texts_of(chart, each))
    value = wanted.value if isinstance(wanted, State) else wanted
    found = state_of(chart.states_map, value)
    named = {name: state for state in chart.states for name in (state.id, state_text(state.value))}
    if found is None and str(value) in named:
        found = named[str(value)]
    return frozenset({state_text((found or require_state(chart, value)).value)})


@dataclass(frozen=True, slots=True)
class Listing(Generic[ModelT]):
    """Reads the states of all values.

    Attributes:
        files: The values.
        layout: Where they are.
        chart: The chart that has their states.
    """

    files: JsonFileRepository[ModelT]
    layout: Layout
    chart: type[Chart]

    def states(self) -> Iterator[tuple[str, str] | Damaged]:
        """Yield name and text of the state of each value, by name."""
        for name, content, behind in self.files.documents():
            try:
                yield name, self._state(name, content, behind)
            except NotFound:
                continue  # purged since the directory was listed
            except (StorageError, UnknownState) as error:
                yield Damaged(name, error)

    def summaries(self, names: Iterable[str] | None = None) -> Iterator[Summary | Damaged]:
        """Yield a summary of each value, by name, or of some values."""
        for name, content, behind in self.files.documents(names):
            try:
                state = self._state(name, content, behind)
                recent = _recent(last_records(self.layout.root, name)) or self._whole(name)
            except NotFound:
                continue
            except (StorageError, UnknownState) as error:
                yield Damaged(name, error)
            else:
                yield Summary(name, state, *recent)

    def summary(self, name: str, value: ModelT) -> Summary:
        """Return the summary of a value."""
        state = state_text(require_recorded(self.chart, value, name).value)
        return Summary(name, state, *(_recent(last_records(self.layout.root, name)) or self._whole(name)))

    def _state(self, name: str, content: bytes | StorageError, behind: bool) -> str:
        if isinstance(content, StorageError):
            raise content
        value = self._shown(name, content, behind)
        if value is not None:
            found = state_of(self.chart.states_map, value.get("state"))
            if found is not None:
                return state_text(found.value)
        # The model may write its state in a form of its own, and migrations need the record.
        loaded = self.files.load(name).value
        return state_text(require_recorded(self.chart, loaded, name).value)

    def _shown(self, name: str, content: bytes, behind: bool) -> Mapping[str, Any] | None:
        """Return the document of a name, or None if it does not show the present value."""
        try:
            document = read_json(content)
        except ValueError:
            return None
        if not isinstance(document, dict) or (behind and not self._is_last_value(name, document)):
            return None
        return document

    def _is_last_value(self, name: str, document: Mapping[str, Any]) -> bool:
        """Return whether only records without a value follow the record that a document shows."""
        size, before = document.get("journal_size"), document.get("head_hash")
        if type(size) is not int or document.get("schema_version") != self.files.schema_version:
            return False
        lines = ending(self.layout.root, name, size).splitlines(keepends=True)
        for line in lines:
            record = record_of(line)
            if record is None or record["prev"] != before or record["value"] is not None:
                return False
            before = sha256(line).hexdigest()
        return bool(lines)

    def _whole(self, name: str) -> _Recent:
        """Return a listing from the verified records."""
        found = _recent(record.model_dump() for record in reversed(self.files.history(name)))
        if found is None:
            raise CorruptHistory(
                name, self.layout.journal(name), "no record says when its state was entered"
            )
        return found


def _entered(record: Mapping[str, Any]) -> datetime | None:
    """Return the time at which the state of a record was entered, or None if a record before tells."""
    data = record["data"]
    if record["type"] == CHECKPOINT:
        return _moment(data.get(ENTERED))
    return record["at"] if enters(record["type"], data) else None


def _moment(text: object) -> datetime | None:
    with suppress(ValueError):
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    return None


def _recent(records: Iterable[dict[str, Any]]) -> _Recent | None:
    """Return the last revision with its times, from records in the order of the last first."""
    last: dict[str, Any] | None = None
    for record in records:
        if last is None or record["revision"] == last["revision"]:
            last = record
        entered = _entered(record)
        if entered is not None:
            # A checkpoint repeats a value that was changed before.
            changed = _moment(last["data"].get(CHANGED)) if last["type"] == CHECKPOINT else None
            author = last.get("actor")
            return _Recent(
                last["revision"], entered, changed or last["at"], author if isinstance(author, str) else ""
            )
    return None
