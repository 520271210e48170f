"""A configuration: the active states of a chart, its remembered states, and the deadlines of its timers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, Field, PrivateAttr

from statechart.errors import UnknownState
from statechart.tree import every_state, within
from statechart.utc import UtcDatetime
from statechart.wording import JOINED as JOINED, state_text

if TYPE_CHECKING:
    from statemachine import State, StateChart

SIGN = JOINED.strip()


@dataclass(frozen=True, slots=True)
class Bound:
    """The chart of a configuration, as far as a configuration asks it.

    Attributes:
        chart: The name of the chart.
        leaves: The active states without states within them: those of a changed copy are others.
        active: All active states, those around others too.
        known: All states of the chart.
    """

    chart: str
    leaves: tuple[str, ...]
    active: frozenset[str]
    known: frozenset[str]


class Configuration(BaseModel, frozen=True, extra="forbid"):
    """The state of a value whose chart has states within states, or timers.

    `state in configuration` tells whether a state is active, as the object of the chart, or by its name;
    `str(configuration)` is such as `awaiting + packing`.

    Attributes:
        active: The active states without states within them, in document order.
        history: What each history state remembers, by its name.
        timers: The deadlines in UTC of the timers that run, by their names, such as `awaiting.expire`.
    """

    active: tuple[str, ...] = Field(min_length=1)
    history: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    timers: dict[str, UtcDatetime] = Field(default_factory=dict)

    _bound: Bound | None = PrivateAttr(None)

    @classmethod
    def of(cls, chart: type[StateChart[Any]], *states: object) -> Self:
        """Return the configuration of a chart in which some states are active, without hooks.

        What the states do not say is as if they were entered now, without timers: for migrations.

        Args:
            chart: The chart.
            states: The active states, or states around them, by name or as objects of the chart. Without
                any, the chart's initial state.

        Raises:
            UnknownState: The chart has no such state.
            IllegalConfiguration: They can't be active together.
        """
        found: Self = chart._configured(*states)  # type: ignore[attr-defined]  # a chart of this package
        return found

    def __str__(self) -> str:
        return JOINED.join(self.active)

    def __contains__(self, state: object) -> bool:
        if isinstance(state, str):
            return self._has(state)
        return any(state_text(each.value) in self.active for each in _within(state))

    def _has(self, name: str) -> bool:
        if name in self.active:
            return True
        bound = self._bound
        if bound is None or bound.leaves != self.active:
            raise ValueError(
                f"{name!r} may be a state around others, which a configuration without its chart can't "
                "tell: ask with the state itself, such as `Order.open in configuration`"
            )
        if name not in bound.known:
            raise UnknownState(bound.chart, name, sorted(bound.known))
        return name in bound.active

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Configuration):
            return NotImplemented
        return (self.active, self.history, self.timers) == (other.active, other.history, other.timers)

    def __copy__(self) -> Self:
        # The dictionaries are all that can be changed. A hook that does must not reach the recorded value.
        found = object.__new__(type(self))
        held = {**vars(self), "history": dict(self.history), "timers": dict(self.timers)}
        object.__setattr__(found, "__dict__", held)
        object.__setattr__(found, "__pydantic_fields_set__", self.__pydantic_fields_set__)
        object.__setattr__(found, "__pydantic_extra__", None)
        object.__setattr__(found, "__pydantic_private__", self.__pydantic_private__)
        return found

    def __hash__(self) -> int:
        return hash(self.active)


def recorded_text(state: object) -> str:
    """Return the text of a state as JSON has it: a value, or a configuration."""
    active = state.get("active") if isinstance(state, Mapping) else None
    return JOINED.join(map(str, active)) if isinstance(active, list) else state_text(state)


def _within(state: object) -> Iterable[State]:
    found: Any = getattr(state, "_state", state)  # of a machine's own proxy
    if not hasattr(found, "states"):
        raise TypeError(f"{state!r} is no state: ask with a state of the chart, or its name")
    return within(found)


def states_in(text: str, known: Collection[str]) -> tuple[str, ...]:
    """Return the states in the text of a configuration; none if it has an unknown one.

    The spaces around the sign between states may be missing: then a state whose own text has the sign in it
    is found first.
    """
    parts = tuple(text.split(JOINED))
    if text in known or all(part in known for part in parts):
        return (text,) if text in known else parts
    place = text.rfind(SIGN)
    while place >= 0:
        first = text[:place].strip()
        rest = states_in(text[place + 1 :].strip(), known) if first in known else ()
        if rest:
            return (first, *rest)
        place = text.rfind(SIGN, 0, place)
    return ()


def typed_states(chart: type[StateChart[Any]], text: str) -> tuple[str, ...]:
    """Return the states that a person's text such as `awaiting+packing` names, unknown ones too."""
    known = [state_text(state.value) for state in every_state(chart)]
    return states_in(text.strip(), known) or tuple(part.strip() for part in text.split(SIGN))


def active_in(chart: type[StateChart[Any]], text: str) -> frozenset[str]:
    """Return the names of the states that are active, by the text of a state: those around others, too."""
    if not getattr(chart, "_holds_configuration", False):
        return frozenset((text,))
    found = set(text.split(JOINED))
    for state in every_state(chart):
        if state_text(state.value) in found:
            found |= {state_text(around.value) for around in state.ancestors()}
    return frozenset(found)
