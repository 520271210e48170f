"""The table of a chart: its states and transitions, compiled from the declaration for firing.

States are numbered in document order, and a configuration is the sum of the bits of its active states. The
words and the algorithm are those of SCXML.

Source: State Chart XML (SCXML), W3C Recommendation of 1 September 2015, appendix D.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from statemachine.state import HistoryState, State
from statemachine.transition import Transition

if TYPE_CHECKING:
    from statemachine import StateChart

ROOT = -1
"""The number of what contains all states."""


class Kind(IntEnum):
    """The kinds of states."""

    ATOMIC = 0
    FINAL = 1
    COMPOUND = 2
    PARALLEL = 3
    SHALLOW = 4
    DEEP = 5


@dataclass(slots=True, eq=False)
class Node:
    """A state of a table.

    Attributes:
        ancestors: The numbers of the states around it, the nearest first.
        below: The bits of all states within it.
        memories: The numbers of its history states.
        initial: The numbers of the states that it is entered by, in a compound state.
        opening: The transition to these, if one is declared.
    """

    number: int
    state: State
    kind: Kind
    ancestors: tuple[int, ...]
    children: list[int] = field(default_factory=list)
    memories: list[int] = field(default_factory=list)
    initial: tuple[int, ...] = ()
    opening: Transition | None = None
    ways: list[Way] = field(default_factory=list)
    below: int = 0

    @property
    def bit(self) -> int:
        """The state's part of a configuration."""
        return 1 << self.number

    @property
    def remembers(self) -> bool:
        """Whether it is a history state."""
        return self.kind >= Kind.SHALLOW


@dataclass(slots=True, eq=False)
class Way:
    """A transition of a table; `targets` are numbers of states."""

    number: int
    source: int
    targets: tuple[int, ...]
    transition: Transition


@dataclass(frozen=True, slots=True)
class Plan:
    """The effect of a microstep on a configuration.

    Attributes:
        exits: The states that are left, in order, each with the transition that leaves it.
        entries: The states that are entered, in order, likewise.
        configuration: The configuration afterwards.
        remembered: What history states remember from now on: bits of states, by number.
        opened: The compound states that are entered by their initial states.
        recalled: The history states that are entered, with whether each remembered something.
    """

    exits: tuple[tuple[Node, Way], ...]
    entries: tuple[tuple[Node, Way], ...]
    configuration: int
    remembered: Mapping[int, int]
    opened: frozenset[int] = frozenset()
    recalled: Mapping[int, bool] = field(default_factory=dict)


def bits(mask: int) -> Iterator[int]:
    """Yield the numbers of the states in a mask, in document order."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class Table:
    """The states of a chart in document order, and what each transition does to a configuration.

    Attributes:
        leaves: The bits of the states that have no states within them.
        initial: The number of the initial state.
        starts: The numbers of the states that a machine begins in, at any depth.
    """

    def __init__(self, chart: type[StateChart[Any]]) -> None:
        self.nodes: list[Node] = []
        self._numbers: dict[int, int] = {}
        self._ways = 0
        self._chains: dict[tuple[int, str | None], tuple[Way, ...]] = {}
        tops = [self._add(state, ()) for state in chart.states]
        for node in reversed(self.nodes):
            for child in node.children:
                node.below |= self.nodes[child].bit | self.nodes[child].below
        for node in self.nodes:
            self._add_ways(node)
        self._all = sum(self.nodes[top].bit | self.nodes[top].below for top in tops)
        self.leaves: int = sum(node.bit for node in self.nodes if node.kind <= Kind.FINAL)
        self.initial: int = next((top for top in tops if self.nodes[top].state.initial), tops[0])
        starts = tuple(self._numbers[id(state)] for state in getattr(chart, "_starts", ()))
        self.starts: tuple[int, ...] = starts or (self.initial,)

    def _add(self, state: State, ancestors: tuple[int, ...]) -> int:
        node = Node(len(self.nodes), state, _kind(state), ancestors)
        self.nodes.append(node)
        self._numbers[id(state)] = node.number
        within = (node.number, *ancestors)
        node.memories += [self._add(memory, within) for memory in state.history]
        node.children += [self._add(child, within) for child in state.states]
        return node.number

    def _add_ways(self, node: Node) -> None:
        for transition in node.state.transitions:
            targets = tuple(self._numbers[id(target)] for target in transition.targets)
            if not transition.initial:
                node.ways.append(Way(self._ways, node.number, targets, transition))
                self._ways += 1
            elif node.kind is Kind.COMPOUND and not node.initial:
                node.initial, node.opening = targets, transition
        if node.kind is Kind.COMPOUND and not node.initial:
            node.initial = (node.children[0],)

    def number_of(self, state: object) -> int | None:
        """Return the number of a state of the chart, or None."""
        return self._numbers.get(id(state))

    def path(self, number: int) -> int:
        """Return the bits of a state and of the states around it."""
        return self.nodes[number].bit | sum(self.nodes[each].bit for each in self.nodes[number].ancestors)

    def candidates(self, configuration: int, event: str | None) -> tuple[tuple[Way, ...], ...]:
        """Return the transitions of an event for each active state without children, as they are tried.

        A state's own transitions come before those of the states around it. Without an event, they are
        those that need none.
        """
        chains = (self._chain(leaf, event) for leaf in bits(configuration & self.leaves))
        return tuple(chain for chain in chains if chain)

    def _chain(self, leaf: int, event: str | None) -> tuple[Way, ...]:
        known = self._chains.get((leaf, event))
        if known is None:
            known = self._chains[leaf, event] = tuple(
                way
                for number in (leaf, *self.nodes[leaf].ancestors)
                for way in self.nodes[number].ways
                if (way.transition.is_eventless if event is None else way.transition.match(event))
            )
        return known

    def without_conflicts(
        self, configuration: int, chosen: Iterable[Way], history: Mapping[int, int]
    ) -> tuple[Way, ...]:
        """Return the chosen transitions without those that yield to another.

        Two transitions are in conflict if both leave a state. One from a state inside of the other's source
        comes first, else the earlier.
        """
        kept: list[Way] = []
        for way in dict.fromkeys(chosen):
            left = self.left(configuration, way, history)
            rivals = [other for other in kept if left & self.left(configuration, other, history)]
            if all(self._is_within(way.source, rival.source) for rival in rivals):
                kept = [other for other in kept if other not in rivals]
                kept.append(way)
        return tuple(kept)

    def left(self, configuration: int, way: Way, history: Mapping[int, int]) -> int:
        """Return the bits of the states that a transition leaves."""
        domain = self._domain(way, history)
        if domain is None:
            return 0
        return configuration & (self._all if domain == ROOT else self.nodes[domain].below)

    def plan(self, configuration: int, ways: Iterable[Way], history: Mapping[int, int]) -> Plan:
        """Return the effect of transitions without conflicts on a configuration."""
        leaving: dict[int, Way] = {}
        for way in ways:
            for number in bits(self.left(configuration, way, history)):
                leaving.setdefault(number, way)
        remembered = {
            memory: self._remembered(memory, number, configuration)
            for number in leaving
            for memory in self.nodes[number].memories
        }
        entering = _Entry(self, {**history, **remembered})
        for way in ways:
            entering.add(way, self._domain(way, entering.history))
        after = configuration
        for number in leaving:
            after &= ~self.nodes[number].bit
        for number in entering.states:
            after |= self.nodes[number].bit
        return Plan(
            tuple((self.nodes[number], leaving[number]) for number in sorted(leaving, reverse=True)),
            tuple((self.nodes[number], entering.states[number]) for number in sorted(entering.states)),
            after,
            remembered,
            frozenset(entering.opened),
            entering.recalled,
        )

    def entered(self, numbers: Iterable[int]) -> int:
        """Return the bits of the states that are entered if some states are, from nothing."""
        entering = _Entry(self, {})
        way = Way(-1, ROOT, tuple(numbers), Transition(State()))
        entering.add(way, ROOT)
        return sum(self.nodes[number].bit for number in entering.states)

    def beginning(self) -> Plan:
        """Return the effect of entering the initial state."""
        entering = _Entry(self, {})
        targets = [self.nodes[number].state for number in self.starts]
        way = Way(-1, ROOT, self.starts, Transition(State(), targets))
        entering.add(way, ROOT)
        entries = tuple((self.nodes[number], way) for number in sorted(entering.states))
        active = sum(node.bit for node, _ in entries)
        return Plan((), entries, active, {}, frozenset(entering.opened), entering.recalled)

    def is_done(self, number: int, configuration: int) -> bool:
        """Return whether each region of a state around others is in a final state."""
        node = self.nodes[number]
        if node.kind is Kind.PARALLEL:
            return all(self.is_done(child, configuration) for child in node.children)
        return any(
            self.nodes[child].kind is Kind.FINAL and configuration & self.nodes[child].bit
            for child in node.children
        )

    def done_events(self, node: Node, configuration: int) -> Iterator[str]:
        """Yield the events that a state raises when it is entered, if it is final."""
        if node.kind is not Kind.FINAL or not node.ancestors:
            return
        parent = self.nodes[node.ancestors[0]]
        yield f"done.state.{parent.state.id}"
        above = self.nodes[parent.ancestors[0]] if parent.ancestors else None
        if above is not None and above.kind is Kind.PARALLEL and self.is_done(above.number, configuration):
            yield f"done.state.{above.state.id}"

    def _remembered(self, memory: int, parent: int, configuration: int) -> int:
        node = self.nodes[parent]
        if self.nodes[memory].kind is Kind.DEEP:
            return configuration & node.below & self.leaves
        return configuration & sum(self.nodes[child].bit for child in node.children)

    def _domain(self, way: Way, history: Mapping[int, int]) -> int | None:
        """Return the innermost state that a transition stays in; None if it leaves and enters nothing."""
        targets = tuple(self.effective(way.targets, history))
        if not targets:
            return None
        source = self.nodes[way.source]
        if way.transition.internal and (
            targets == (way.source,)  # python-statemachine enters the state again, without leaving it
            or (source.kind is Kind.COMPOUND and all(self._is_within(each, way.source) for each in targets))
        ):
            return way.source
        for number in source.ancestors:
            around = self.nodes[number]
            if around.kind is Kind.COMPOUND and all(self._is_within(each, number) for each in targets):
                return number
        return ROOT

    def effective(self, targets: Iterable[int], history: Mapping[int, int]) -> Iterator[int]:
        """Yield targets, with what history states remember in the place of history states."""
        for target in targets:
            node = self.nodes[target]
            if not node.remembers:
                yield target
            elif target in history:
                yield from bits(history[target])
            else:
                yield from self.effective(self.default(node), history)

    def default(self, memory: Node) -> tuple[int, ...]:
        """Return the targets of a history state that remembers nothing."""
        parent = self.nodes[memory.ancestors[0]]
        return (
            tuple(target for way in memory.ways for target in way.targets)
            or parent.initial
            or tuple(parent.children)
        )

    def _is_within(self, inner: int, outer: int) -> bool:
        return bool(self.nodes[outer].below & self.nodes[inner].bit)


class _Entry:
    """The states that transitions enter, each with its transition."""

    def __init__(self, table: Table, history: Mapping[int, int]) -> None:
        self.states: dict[int, Way] = {}
        self.opened: set[int] = set()
        self.recalled: dict[int, bool] = {}
        self.history = history
        self._table = table
        self._nodes = table.nodes
        self._active = 0

    def _enter(self, number: int, way: Way) -> None:
        self.states.setdefault(number, way)
        self._active |= 1 << number

    def add(self, way: Way, domain: int | None) -> None:
        """Add what a transition enters within its domain."""
        for target in way.targets:
            self._down(target, way)
        for target in self._table.effective(way.targets, self.history):
            self._up(target, domain, way)

    def _down(self, number: int, way: Way) -> None:
        node = self._nodes[number]
        if node.remembers:
            targets = tuple(self._table.effective((number,), self.history))
            self.recalled[number] = number in self.history
            for target in targets:
                self._down(target, way)
            for target in targets:
                self._up(target, node.ancestors[0], way)
            return
        self._enter(number, way)
        if node.initial:
            self.opened.add(number)
        for target in node.initial:
            self._down(target, way)
        for target in node.initial:
            self._up(target, number, way)
        if node.kind is Kind.PARALLEL:
            self._regions(node, way)

    def _up(self, number: int, domain: int | None, way: Way) -> None:
        for around in self._nodes[number].ancestors:
            if around == domain:
                break
            self._enter(around, way)
            if self._nodes[around].kind is Kind.PARALLEL:
                self._regions(self._nodes[around], way)

    def _regions(self, node: Node, way: Way) -> None:
        for child in node.children:
            if not self._active & (self._nodes[child].below | self._nodes[child].bit):
                self._down(child, way)


def _kind(state: State) -> Kind:
    if isinstance(state, HistoryState):
        return Kind.DEEP if state.type.is_deep else Kind.SHALLOW
    if state.parallel:
        return Kind.PARALLEL
    if state.states:
        return Kind.COMPOUND
    return Kind.FINAL if state.final else Kind.ATOMIC
