"""A path through a chart whose events are macrosteps, by its table alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from statechart.engine.hooks import Microstep
from statechart.engine.table import Kind, Node, Plan, Table, Way
from statechart.errors import NoSuchPath, UnknownEvent
from statechart.graph import events
from statechart.picture.values import Visit
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.engine.nested.form import Form
    from statechart.graph import AnyChart

_LIMIT = 1_000
"""The most microsteps of an event."""


def visits_of(chart: AnyChart, names: Sequence[str]) -> tuple[list[Visit], str]:
    """Return the macrosteps of events from where a chart begins, and the configuration that they end in.

    Guards are not asked: each active state takes the first transition of an event, and of the transitions
    without an event those without a guard.

    Raises:
        UnknownEvent: The chart has no such event.
        NoSuchPath: No active state takes an event.
    """
    shape: Any = chart
    walk = _Walk(shape._table, shape._form)
    walk.begin()
    visits = []
    for number, name in enumerate(names, 1):
        if name not in events(chart):
            raise UnknownEvent(chart.__name__, name, events(chart))
        before = walk.text
        steps = tuple(walk.fire(name))
        if not steps:
            allowed = [event for event in events(chart) if walk.table.candidates(walk.active, event)]
            raise NoSuchPath(chart.__name__, name, before, allowed)
        visits.append(Visit(before, name, walk.text, f"{number}", steps=steps))
    return visits, walk.text


@dataclass(slots=True)
class _Walk:
    table: Table
    form: Form
    active: int = 0
    history: dict[int, int] = field(default_factory=dict)
    queue: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return self.form.text(self.active)

    def begin(self) -> None:
        """Enter the states that the chart begins in."""
        self._take(self.table.beginning())
        for _ in self._rest():
            pass

    def fire(self, event: str) -> Iterator[Microstep]:
        """Yield the microsteps of an event; none if no active state takes it."""
        step = self._step(event)
        if step is not None:
            yield step
            yield from self._rest()

    def _rest(self) -> Iterator[Microstep]:
        for _ in range(_LIMIT):
            step = self._step(None)
            if step is None and not self.queue:
                return
            if step is None:
                step = self._step(self.queue.pop(0))
            if step is not None:
                yield step

    def _step(self, event: str | None) -> Microstep | None:
        found = []
        for chain in self.table.candidates(self.active, event):
            open_ = [way for way in chain if event is not None or not list(way.transition.cond)]
            found += open_[:1]
        ways = self.table.without_conflicts(self.active, found, self.history)
        if not ways:
            return None
        plan = self.table.plan(self.active, ways, self.history)
        self._take(plan)
        return Microstep(
            event,
            tuple(_text(node) for node, _ in plan.exits),
            tuple(_text(node) for node, _ in plan.entries),
            tuple(self._taken(way) for way in ways),
            tuple((_text(self.table.nodes[each]), known) for each, known in plan.recalled.items()),
        )

    def _take(self, plan: Plan) -> None:
        self.active = plan.configuration
        self.history |= plan.remembered
        for node, _ in plan.entries:
            if node.kind is Kind.FINAL:
                self.queue += self.table.done_events(node, plan.configuration)

    def _taken(self, way: Way) -> tuple[str, tuple[str, ...]]:
        nodes = self.table.nodes
        return _text(nodes[way.source]), tuple(_text(nodes[target]) for target in way.targets)


def _text(node: Node) -> str:
    return state_text(node.state.value)
