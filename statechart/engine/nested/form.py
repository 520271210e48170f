"""The form of a chart's state: a configuration in bits, and as values and records hold it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from statechart.configuration import JOINED, Bound, Configuration
from statechart.engine.table import Kind, Node, Table, bits
from statechart.engine.values import require_state
from statechart.errors import IllegalConfiguration, UnknownState
from statechart.wording import listed, nearest, state_text

if TYPE_CHECKING:
    from statemachine import StateChart

    from statechart.engine.declaration.timers import Alarm


_KEPT: Final = 10_000
_KEPT_STATES: Final = 300_000


class Standing(NamedTuple):
    """Where a machine is: active states, what each history state remembers, deadlines by timer."""

    active: int
    history: Mapping[int, int]
    timers: Mapping[str, datetime]


class Form:
    """Converts between standings and the states of values.

    Args:
        chart: The chart.
        table: Its table.
        alarms: Its timers, by name.
        plain: Whether values hold the value of the only active state, instead of a configuration.

    Attributes:
        is_plain: The same.
    """

    def __init__(
        self, chart: type[StateChart[Any]], table: Table, alarms: Mapping[str, Alarm], *, plain: bool
    ) -> None:
        self._chart = chart
        self._table = table
        self._alarms = alarms
        self.is_plain = plain
        self._texts = tuple(state_text(node.state.value) for node in table.nodes)
        self._numbers = {text: number for number, text in enumerate(self._texts)}
        self._most = most_kept(table)
        self._masks: dict[tuple[str, ...], int] = {}
        self._named: dict[int, tuple[str, ...]] = {}
        self._shown: dict[int, tuple[tuple[str, ...], str, Bound]] = {}
        # The last made is mostly the next read. One tuple, as threads share it.
        self._last: tuple[Configuration | None, Mapping[str, tuple[str, ...]], Standing] = (
            None,
            {},
            Standing(0, {}, {}),
        )
        self._known = frozenset(
            text for text, node in zip(self._texts, table.nodes, strict=True) if not node.remembers
        )

    def read(self, state: object) -> Standing:
        """Return the standing of a state of a value.

        Raises:
            UnknownState: The chart has no such state.
            IllegalConfiguration: The states can't be active together.
        """
        if self.is_plain:
            return Standing(1 << self._numbers[state_text(require_state(self._chart, state).value)], {}, {})
        last = self._last
        if last[0] is state and _is_intact(*last):
            return last[2]
        if not isinstance(state, Configuration):
            raise self._illegal(state_text(state), "it is no configuration: see Configuration.of")
        active = self._masks.get(state.active)
        if active is None:
            if len(self._masks) > self._most:
                self._masks.clear()
            active = self._masks[state.active] = self._active(state)
        if state._bound is None or state._bound.leaves != state.active:
            self._bind(state, active)
        history = {}
        for memory, states in state.history.items():
            number, mask = self._remembered(state, memory, states)
            history[number] = mask
        for timer in state.timers:
            self._check_timer(state, timer, active)
        return Standing(active, history, dict(state.timers))

    def state(self, standing: Standing) -> Any:  # Any: a configuration, or the value of a state
        """Return the state of a value that stands so."""
        table = self._table
        if self.is_plain:
            return table.nodes[standing.active.bit_length() - 1].state.value
        last = self._last
        if last[2] is standing and _is_intact(*last):
            return last[0]
        remembered = standing.history
        history = {self._texts[memory]: self.texts(remembered[memory]) for memory in sorted(remembered)}
        leaves, _, bound = self._of(standing.active)
        found = _configuration(leaves, history, dict(standing.timers), bound)
        self._last = (found, dict(history), standing)
        return found

    def example(self) -> object:
        """Return a state that a value may be in."""
        return self.state(Standing(self.entered([0]), {}, {}))

    def text(self, active: int) -> str:
        """Return the text of the active states, such as `awaiting + packing`."""
        return self._of(active)[1]

    def leaves(self, active: int) -> tuple[str, ...]:
        """Return the texts of the active states without states within them, in document order."""
        return self._of(active)[0]

    def _of(self, active: int) -> tuple[tuple[str, ...], str, Bound]:
        found = self._shown.get(active)
        if found is None:
            if len(self._shown) > self._most:
                self._shown.clear()
            leaves = self.texts(active & self._table.leaves)
            bound = Bound(self._chart.__name__, leaves, frozenset(self.texts(active)), self._known)
            found = self._shown[active] = (leaves, JOINED.join(leaves), bound)
        return found

    def texts(self, mask: int) -> tuple[str, ...]:
        """Return the texts of states, in document order."""
        found = self._named.get(mask)
        if found is None:
            if len(self._named) > self._most:
                self._named.clear()
            found = self._named[mask] = tuple(self._texts[number] for number in bits(mask))
        return found

    def number(self, state: object) -> int:
        """Return the number of a state, given as an object of the chart or by its name.

        Raises:
            UnknownState: The chart has no such state.
        """
        found = self._table.number_of(getattr(state, "_state", state))
        if found is not None:
            return found
        text = state_text(getattr(state, "value", state))
        if text not in self._known:
            raise UnknownState(self._chart.__name__, text, sorted(self._known))
        return self._numbers[text]

    def around(self, numbers: Iterable[int]) -> int:
        """Return the bits of states and of the states around them."""
        found = 0
        for number in numbers:
            for each in (number, *self._table.nodes[number].ancestors):
                found |= 1 << each
        return found

    def entered(self, numbers: Iterable[int]) -> int:
        """Return the configuration in which some states are active, with those entered beside them.

        Raises:
            IllegalConfiguration: They can't be active together.
        """
        active = self._table.entered(numbers)
        problem = self._problem(active)
        if problem is not None:
            raise self._illegal(JOINED.join(self.texts(active & self._table.leaves)), problem)
        return active

    def _bind(self, state: Configuration, active: int) -> None:
        bound = self._of(active)[2]
        if bound.leaves != state.active:  # in another order than that of the document
            bound = replace(bound, leaves=state.active)
        object.__setattr__(state, "__pydantic_private__", {"_bound": bound})

    def _active(self, state: Configuration) -> int:
        active = 0
        for text in state.active:
            number = self._numbers.get(text)
            if number is None:
                raise UnknownState(self._chart.__name__, text, sorted(self._known))
            node = self._table.nodes[number]
            if node.kind > Kind.FINAL:
                what = "a history state" if node.remembers else "has states within it"
                raise self._illegal(str(state), f"{text!r} {'is ' if node.remembers else ''}{what}")
            active |= node.bit
            for around in node.ancestors:
                active |= self._table.nodes[around].bit
        problem = self._problem(active)
        if problem is not None or len(set(state.active)) != len(state.active):
            raise self._illegal(str(state), problem or "a state is there twice")
        return active

    def _problem(self, active: int) -> str | None:
        """Return the reason why states can't be active together, or None."""
        tops = [node for node in self._table.nodes if not node.ancestors]
        found = self._among(tops, active)
        if len(found) != 1:
            return f"{listed(found)} are active together" if found else "no state is active"
        for number in bits(active):
            node = self._table.nodes[number]
            children = [self._table.nodes[child] for child in node.children]
            found = self._among(children, active)
            if node.kind is Kind.COMPOUND and len(found) != 1:
                return f"{listed(found)} of {self._texts[number]} are active instead of one"
            if node.kind is Kind.PARALLEL and len(found) != len(children):
                missing = listed(self._texts[child.number] for child in children if not active & child.bit)
                return f"{self._texts[number]} is active without its {missing}"
        return None

    def _among(self, nodes: Iterable[Node], active: int) -> list[str]:
        return [self._texts[node.number] for node in nodes if active & node.bit]

    def _remembered(self, state: Configuration, memory: str, states: tuple[str, ...]) -> tuple[int, int]:
        number = self._numbers.get(memory)
        node = None if number is None else self._table.nodes[number]
        if number is None or node is None or not node.remembers:
            others = [self._texts[each.number] for each in self._table.nodes if each.remembers]
            raise self._illegal(str(state), _unknown("history", memory, others))
        parent = self._table.nodes[node.ancestors[0]]
        mask = sum(1 << self._numbers[text] for text in set(states) if text in self._numbers)
        wanted = (
            parent.below & self._table.leaves
            if node.kind is Kind.DEEP
            else sum(1 << child for child in parent.children)
        )
        unknown = [text for text in states if text not in self._numbers]
        if not mask or unknown or mask & ~wanted or not self._fits(parent, mask, node.kind):
            told = listed(states)
            raise self._illegal(str(state), f"its history {memory!r} can't remember {told}")
        return number, mask

    def _fits(self, parent: Node, mask: int, kind: Kind) -> bool:
        """Return whether the remembered states of a history state can be active together."""
        around = [parent.number, *parent.ancestors]
        active = sum(1 << number for number in around)
        for number in bits(mask):
            active |= 1 << number
            for above in self._table.nodes[number].ancestors:
                active |= 1 << above
        for number in bits(active & (parent.below | parent.bit)):
            node = self._table.nodes[number]
            if kind is Kind.SHALLOW and number != parent.number:
                continue
            count = sum(bool(active >> child & 1) for child in node.children)
            if node.kind is Kind.COMPOUND and count != 1:
                return False
            if node.kind is Kind.PARALLEL and count != len(node.children):
                return False
        return True

    def _check_timer(self, state: Configuration, timer: str, active: int) -> None:
        alarm = self._alarms.get(timer)
        if alarm is None:
            raise self._illegal(str(state), _unknown("timer", timer, self._alarms))
        if not active >> self._numbers[alarm.owner] & 1:
            raise self._illegal(str(state), f"its timer {timer!r} runs, and {alarm.owner} is not active")

    def _illegal(self, configuration: str, problem: str) -> IllegalConfiguration:
        return IllegalConfiguration(self._chart.__name__, configuration, problem)


def most_kept(table: Table) -> int:
    """Return how many configurations of a chart are known at once: each holds many of its states."""
    return min(_KEPT, _KEPT_STATES // len(table.nodes) + 1)


def _is_intact(
    made: Configuration | None, history: Mapping[str, tuple[str, ...]], standing: Standing
) -> bool:
    """Return whether a configuration is as it was made: its dictionaries can be changed."""
    return made is not None and made.history == history and made.timers == standing.timers


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    like = nearest(name, known)
    hint = f": did you mean {like!r}?" if like else ""
    return f"it has the {kind} {name!r}, which the chart does not have{hint}"


def _configuration(
    active: tuple[str, ...],
    history: dict[str, tuple[str, ...]],
    timers: dict[str, datetime],
    bound: Bound,
) -> Configuration:
    """Make a configuration of parts that need no validation; pydantic takes five times as long."""
    found = object.__new__(Configuration)
    object.__setattr__(found, "__dict__", {"active": active, "history": history, "timers": timers})
    object.__setattr__(found, "__pydantic_fields_set__", {"active", "history", "timers"})
    object.__setattr__(found, "__pydantic_extra__", None)
    object.__setattr__(found, "__pydantic_private__", {"_bound": bound})
    return found
