"""List values by their state, without locks, from the ends of their histories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

from pydantic import ValidationError
from statemachine import State

from statechart.configuration import JOINED, Configuration
from statechart.engine.values import form_of, require_state, state_of
from statechart.errors import CorruptHistory, NotFound, StorageError, UnknownState
from statechart.storage.chain import CHECKPOINT
from statechart.storage.segments.carried import CHANGED, ENTERED, enters
from statechart.storage.session import ModelT
from statechart.storage.sql.errors import DatabaseFailed
from statechart.stored.binding import recorded_text
from statechart.stored.damage import Damaged
from statechart.tree import every_state, within
from statechart.wording import state_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statechart.chart import Chart
    from statechart.stored.store import Ending, Ends, Store


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

    A configuration's text, such as `awaiting + packing`, is its own.

    Raises:
        UnknownState: The chart has no such state; the error names the nearest.
    """
    if isinstance(wanted, Iterable) and not isinstance(wanted, (str, Enum, State)):
        return frozenset(text for each in wanted for text in texts_of(chart, each))
    wanted = getattr(wanted, "_state", wanted)
    value = wanted.value if isinstance(wanted, State) else wanted
    found = state_of(chart.states_map, value)
    named = {name: state for state in _states(chart) for name in (state.id, state_text(state.value))}
    if found is None and str(value) in named:
        found = named[str(value)]
    if found is None and form_of(chart) is not None and isinstance(value, str) and JOINED in value:
        return frozenset(
            {JOINED.join(text for each in value.split(JOINED) for text in texts_of(chart, each))}
        )
    return frozenset({state_text((found or require_state(chart, value)).value)})


def selecting(chart: type[Chart], wanted: object) -> Callable[[str], bool]:
    """Return a function that tells by the text of a value's state whether one of some states is active.

    Args:
        chart: The chart.
        wanted: As for `texts_of`. In a state around others are all values in a state within it.

    Raises:
        UnknownState: As `texts_of`.
    """
    texts = texts_of(chart, wanted)
    if form_of(chart) is None:
        return texts.__contains__
    inner = frozenset(
        state_text(each.value)
        for state in _states(chart)
        if state_text(state.value) in texts
        for each in within(state)
    )
    return lambda text: text in texts or not inner.isdisjoint(text.split(JOINED))


def _states(chart: type[Chart]) -> list[State]:
    """Return the states of a chart that can be active."""
    return [state for state in every_state(chart) if state.value in chart.states_map]


@dataclass(frozen=True, slots=True)
class Listing(Generic[ModelT]):
    """Reads the states of all values.

    Attributes:
        store: The values.
        ends: The ends of their histories.
        chart: The chart that has their states.
    """

    store: Store[ModelT]
    ends: Ends
    chart: type[Chart]
    _texts: dict[tuple[object, ...], str] = field(default_factory=dict, compare=False, repr=False)

    def states(self) -> Iterator[tuple[str, str] | Damaged]:
        """Yield name and text of the state of each value, by name."""
        for each in self.ends.all(records=False):
            try:
                yield each.name, self._state(each)
            except NotFound:
                continue  # purged since the names were listed
            except DatabaseFailed:
                raise  # no value is damaged
            except (StorageError, UnknownState) as error:
                yield Damaged(each.name, error)

    def summaries(self, names: Iterable[str] | None = None) -> Iterator[Summary | Damaged]:
        """Yield a summary of each value, by name, or of some values."""
        for each in self.ends.all(names):
            try:
                state = self._state(each)
                recent = _recent(each.records()) or self._whole(each.name)
            except NotFound:
                continue
            except DatabaseFailed:
                raise
            except (StorageError, UnknownState) as error:
                yield Damaged(each.name, error)
            else:
                yield Summary(each.name, state, *recent)

    def summary(self, name: str, value: ModelT) -> Summary:
        """Return the summary of a value."""
        state = recorded_text(self.chart, value, name)
        return Summary(name, state, *(_recent(self.ends.records(name)) or self._whole(name)))

    def _state(self, ending: Ending) -> str:
        value = ending.value()
        if value is not None:
            text = self._text(value.get("state"))
            if text is not None:
                return text
        # The model may write its state in a form of its own, and migrations need the record.
        loaded = self.store.load(ending.name).value
        return recorded_text(self.chart, loaded, ending.name)

    def _text(self, state: object) -> str | None:
        """Return the text of a state as JSON, or None if the model has to read it."""
        form = form_of(self.chart)
        if form is None:
            known = state_of(self.chart.states_map, state)
            return None if known is None else state_text(known.value)
        # Thousands of values are in a few configurations, which are read once.
        shape = _shape_of(state)
        if shape is None or shape not in self._texts:
            try:
                found = Configuration.model_validate(state)
                form.read(found)
            except (ValidationError, UnknownState):
                return None
            if shape is None:
                return str(found)
            self._texts[shape] = str(found)
        return self._texts[shape]

    def _whole(self, name: str) -> _Recent:
        """Return a listing from the verified records."""
        found = _recent(record.model_dump() for record in reversed(self.store.history(name)))
        if found is None:
            where, _ = self.store.place_of(name, 0)
            raise CorruptHistory(name, where, "no record says when its state was entered")
        return found


def _shape_of(state: object) -> tuple[object, ...] | None:
    """Return a configuration as JSON without its deadlines, or None for any other state."""
    try:
        match state:
            case {"active": list(active), "history": dict(history), "timers": dict(timers), **more} if (
                not more
            ):
                remembered = tuple((memory, *states) for memory, states in history.items())
                shape = (tuple(active), remembered, tuple(timers))
                hash(shape)
                return shape
    except TypeError:  # what no state's name is
        pass
    return None


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
