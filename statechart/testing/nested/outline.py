"""The structure of a chart whose events are macrosteps, without its class: for another process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from statechart.engine.table import Node, Plan, Table, Way
from statechart.testing.nested.edges import AnyChart, events_of, table_of, text_of


@dataclass(frozen=True, slots=True)
class _State:
    """The attributes of a state that a table reads."""

    value: str
    id: str


@dataclass(frozen=True, slots=True)
class _Transition:
    """The attributes of a transition that a table reads."""

    events: frozenset[str | None]
    is_eventless: bool
    internal: bool

    def match(self, event: str) -> bool:
        return event in self.events


class Outline(Table):
    """The table of a chart without its functions, so that it can be pickled, with the texts of its states.

    Attributes:
        numbers: The numbers of the states, by text.
    """

    def __init__(self, chart: AnyChart) -> None:
        kept = vars(table_of(chart))
        # What a table has looked up leads to the functions of the chart.
        vars(self).update({name: {} if isinstance(each, dict) else each for name, each in kept.items()})
        self.nodes: list[Node] = [_bare(node) for node in self.nodes]
        self.numbers: Mapping[str, int] = {text_of(node): node.number for node in self.nodes}

    def active(self, leaves: Iterable[str]) -> int:
        """Return the bits of leaves and of the states around them; states of an older chart have none."""
        found = 0
        for leaf in leaves:
            number = self.numbers.get(leaf)
            if number is not None:
                node = self.nodes[number]
                found |= node.bit | sum(self.nodes[around].bit for around in node.ancestors)
        return found

    def text(self, number: int) -> str:
        """Return the text of a state."""
        return text_of(self.nodes[number])

    def explain(
        self,
        active: int,
        history: Mapping[int, int],
        event: str | None,
        exited: set[str],
        entered: set[str],
    ) -> tuple[tuple[Way, ...], Plan] | None:
        """Return the transitions that account for a recorded microstep, with its effect, or None.

        Where several could, the innermost are taken for it.
        """
        chains = self.candidates(active, event)
        # For each active leaf one of its transitions, or none if its guards refused them all.
        for chosen in product(*[(*chain, None) for chain in chains]):
            ways = self.without_conflicts(active, [way for way in chosen if way is not None], history)
            if not ways:
                continue
            plan = self.plan(active, ways, history)
            if (
                exited == {text_of(node) for node, _ in plan.exits}
                and entered == {text_of(node) for node, _ in plan.entries}
            ):  # fmt: skip
                return ways, plan
        return None


def _bare(node: Node) -> Node:
    text = text_of(node)
    return Node(
        node.number,
        _State(text, node.state.id),  # type: ignore[arg-type]
        node.kind,
        node.ancestors,
        list(node.children),
        list(node.memories),
        node.initial,
        None,
        [
            Way(
                way.number,
                way.source,
                way.targets,
                _Transition(
                    frozenset(events_of(way)), way.transition.is_eventless, way.transition.internal
                ),  # type: ignore[arg-type]
            )
            for way in node.ways
        ],
        node.below,
    )
