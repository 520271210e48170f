"""Random charts with compound and parallel states, histories, done events and eventless transitions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from tests.statechart.oracles.declared import (
    CHART,
    Callback,
    Condition,
    Declared,
    Named,
    Node,
    Not,
    Step,
    Way,
)

EVENTS = ("go", "run", "fly")
GUARDS = ("ready", "able")
TRACING = (
    Callback(CHART, "before_transition", ("source", "event")),
    Callback(CHART, "on_exit_state", ("state", "event")),
    Callback(CHART, "on_enter_state", ("state", "event")),
    *(Callback(CHART, name) for name in GUARDS),
)
"""The callbacks of all charts: a trace of each microstep, and guards."""


@dataclass
class _Tree:
    """The states drawn so far."""

    draw: st.DrawFn
    named: int = 0
    defaults: list[Way] = field(default_factory=list)

    def node(self, depth: int, kinds: tuple[str, ...]) -> Node:
        kind = self.draw(st.sampled_from(kinds if depth else ("atomic",)))
        self.named += 1
        name = f"s{self.named}"
        if kind == "atomic":
            return Node(name)
        if kind == "parallel":
            regions = [self.node(1, ("compound",)) for _ in range(self.draw(st.integers(2, 3)))]
            return Node(name, kind, (*regions, *self._history(name, regions)))
        children = [
            self.node(depth - 1, ("atomic", "atomic", "compound", "parallel"))
            for _ in range(self.draw(st.integers(1, 3)))
        ]
        if len(children) > 1 and children[-1].kind == "atomic" and self.draw(st.booleans()):
            children[-1] = replace(children[-1], kind="final")
        default = self.draw(st.sampled_from([child.id for child in children if child.kind != "final"]))
        return Node(name, kind, (*children, *self._history(name, children)), default=default)

    def _history(self, name: str, children: list[Node]) -> list[Node]:
        if self.draw(st.integers(0, 2)):
            return []
        kind = self.draw(st.sampled_from(("shallow", "deep")))
        default = self.draw(st.sampled_from([child.id for child in children]))
        return [Node(f"{name}h", kind, default=default)]


@st.composite
def nested_charts(draw: st.DrawFn) -> Declared:
    tree = _Tree(draw)
    top = [tree.node(0, ())]
    top += [tree.node(3, ("compound", "compound", "atomic")) for _ in range(draw(st.integers(1, 2)))]
    if draw(st.booleans()):
        top.append(Node("end", "final"))
    chart = Declared(tuple(top), ())
    nodes = list(chart.all_nodes())
    sources = [node for node in nodes if node.kind not in ("final", "shallow", "deep")]
    ways = []

    def conditions() -> tuple[Condition, ...]:
        if draw(st.booleans()):
            return ()
        guard = Named(draw(st.sampled_from(GUARDS)))
        return (Condition(Not(guard) if draw(st.booleans()) else guard),)

    # Every state has a way out; of its children, one leads to the next.
    for node in sources:
        for _ in range(draw(st.integers(1, 2))):
            target = draw(st.sampled_from(nodes))
            internal = node.kind == "compound" and target in _inside(node) and draw(st.booleans())
            event = draw(st.sampled_from(EVENTS))
            ways.append(Way(node.id, (target.id,), (event,), internal, conditions()))
        finals = [child for child in node.children if child.kind == "final"]
        ways += [
            Way(node.children[0].id, (final.id,), (draw(st.sampled_from(EVENTS)),)) for final in finals
        ]
        if (finals or node.kind == "parallel") and draw(st.booleans()):
            target = draw(st.sampled_from(nodes))
            ways.append(Way(node.id, (target.id,), (f"done.state.{node.id}",), False, conditions()))
        if draw(st.integers(0, 11)) == 0:
            guard = Condition(Named(draw(st.sampled_from(GUARDS))), draw(st.booleans()))
            ways.append(Way(node.id, (draw(st.sampled_from(nodes)).id,), (), False, (guard,)))
    events = {event for way in ways for event in way.events}
    return Declared(
        tuple(top), tuple(draw(st.permutations(ways))), TRACING, styles=dict.fromkeys(events, "inline")
    )


def _inside(node: Node) -> list[Node]:
    """Return the descendants of a state, without histories."""
    found: list[Node] = []
    for child in node.children:
        found += [each for each in (child, *_inside(child)) if not each.is_history]
    return found


@st.composite
def nested_runs(draw: st.DrawFn) -> tuple[Declared, list[Step]]:
    """Return a chart with its first step, which enters the initial state, and others."""
    chart = draw(nested_charts())
    # The answers stay: python-statemachine asks the guards of eventless transitions before an event too.
    refuses = draw(st.frozensets(st.sampled_from([f"{CHART}.{name}" for name in GUARDS])))
    events = [event for event in chart.events if "." not in event]
    fired = draw(st.lists(st.sampled_from(events), min_size=1, max_size=10))
    return chart, [Step(event, refuses=refuses) for event in ("__initial__", *fired)]
