"""Random nested charts with everything: hooks of all owners, payloads, raised events, many targets."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from tests.statechart.oracles.charts import PAYLOAD, callbacks, functions, guards
from tests.statechart.oracles.declared import (
    CHART,
    NOBODY,
    OWNERS,
    Callback,
    Condition,
    Declared,
    Given,
    In,
    Itself,
    Node,
    Not,
    Step,
    Way,
)
from tests.statechart.oracles.naive import Interpreter
from tests.statechart.oracles.nested_charts import EVENTS, GUARDS, TRACING, nested_charts

GENERIC = ("on_transition", "after_transition", "prepare_event")
_HOOKS = ("before", "on", "after")


@st.composite
def rich_charts(draw: st.DrawFn) -> Declared:
    plain = draw(nested_charts())
    nodes = list(plain.all_nodes())
    ways = [_given(draw, way, nodes) for way in plain.ways] + draw(_more_ways(nodes))
    # All that is at the top can be reached: what can't be is refused.
    ways += [Way(plain.nodes[0].id, (node.id,), (draw(st.sampled_from(EVENTS)),)) for node in plain.nodes]
    ways = list(draw(st.permutations(ways)))
    events = tuple(dict.fromkeys(event for way in ways for event in way.events))
    owned = draw(_owned(nodes, [event for event in events if "." not in event]))
    return Declared(
        tuple(_hooked(draw, node) for node in plain.nodes),
        tuple(ways),
        (*owned, *TRACING),
        styles=dict.fromkeys(events, "inline"),
    )


def _hooked(draw: st.DrawFn, node: Node) -> Node:
    children = tuple(_hooked(draw, child) for child in node.children)
    given: tuple[Given, ...] = ()
    if not node.is_history and not draw(st.integers(0, 5)):
        group = draw(st.sampled_from(("enter", "exit")))
        given = (Given(group, draw(callbacks(NOBODY, f"{group}_{node.id}"))),)
    return replace(node, children=children, given=given)


def _given(draw: st.DrawFn, way: Way, nodes: list[Node]) -> Way:
    given = [
        Given(group, draw(callbacks(NOBODY, f"{group}_given", adds=group != "after")))
        for group in ("validators", *_HOOKS)
        if not draw(st.integers(0, 7))
    ]
    conditions = way.conditions
    # A done event or none is asked again and again, and needs the guards that it was drawn with.
    if way.events and "." not in way.events[0] and not draw(st.integers(0, 3)):
        conditions = (draw(_conditions(nodes)),)
    return replace(way, given=tuple(given), conditions=conditions)


@st.composite
def _conditions(draw: st.DrawFn, nodes: list[Node]) -> Condition:
    states = tuple(node.id for node in nodes if not node.is_history)
    match draw(st.sampled_from(("guards", "function", "in"))):
        case "guards":
            return Condition(draw(guards((), GUARDS, states, depth=1)), draw(st.booleans()))
        case "function":
            return Condition(Itself(draw(callbacks(NOBODY, "guard_given", adds=False))))
        case _:
            inside = In(draw(st.sampled_from(states)))
            return Condition(Not(inside) if draw(st.booleans()) else inside)


@st.composite
def _more_ways(draw: st.DrawFn, nodes: list[Node]) -> list[Way]:
    """Return transitions without a target, and to several regions at once."""
    sources = [node.id for node in nodes if node.kind not in ("final", "shallow", "deep")]
    found = []
    for node in nodes:
        if node.kind == "parallel" and draw(st.booleans()):
            regions = [child for child in node.children if not child.is_history]
            targets = tuple(
                draw(st.sampled_from([each.id for each in region.children])) for region in regions
            )
            source, event = draw(st.sampled_from(sources)), draw(st.sampled_from(EVENTS))
            found.append(Way(source, targets[: draw(st.integers(2, len(targets)))], (event,)))
    if draw(st.booleans()):
        found.append(Way(draw(st.sampled_from(sources)), (), (draw(st.sampled_from(EVENTS)),)))
    for node in nodes:
        finals = [child.id for child in node.children if child.kind == "final"]
        others = [child.id for child in node.children if child.id in sources]
        found += [
            Way(each, (final,), (draw(st.sampled_from(EVENTS)),)) for final in finals for each in others
        ]
        if (finals or node.kind == "parallel") and draw(st.integers(0, 2)):
            found.append(Way(node.id, (draw(st.sampled_from(sources)),), (f"done.state.{node.id}",)))
    return found


@st.composite
def _owned(draw: st.DrawFn, nodes: list[Node], events: list[str]) -> tuple[Callback, ...]:
    states = [node for node in nodes if not node.is_history]
    names = [*GENERIC, *(f"{group}_{event}" for group in _HOOKS for event in events)]
    names += [f"on_{group}_{node.id}" for group in ("enter", "exit") for node in states]
    places = draw(
        st.lists(st.tuples(st.sampled_from(OWNERS), st.sampled_from(names)), unique=True, max_size=8)
    )
    finals = {f"on_enter_{node.id}" for node in nodes if node.kind == "final"}
    places += [(CHART, name) for name in finals if draw(st.booleans()) and (CHART, name) not in places]
    found = []
    for owner, name in places:
        each = draw(callbacks(owner, name))
        specific = owner == CHART and name not in GENERIC and not name.startswith("after")
        if specific and not draw(st.integers(0, 3)):
            each = replace(each, raises=draw(st.sampled_from(events)))
        found.append(replace(each, gives=owner == CHART and name in finals))
    return tuple(found)


@st.composite
def rich_runs(draw: st.DrawFn) -> tuple[Declared, list[Step]]:
    """Return a chart with events, most of which it has a transition for when they are fired."""
    chart = draw(rich_charts())
    naive = Interpreter(chart)
    found = [Step("__initial__")]
    if naive.start(found[0]).kind != "done":
        return chart, found
    events = sorted(event for event in chart.events if "." not in event)
    labels = sorted({each.label for each in (*chart.callbacks, *functions(chart))})
    for _ in range(draw(st.integers(1, 8))):
        names = draw(st.lists(st.sampled_from(PAYLOAD), unique=True))
        raises = draw(st.sampled_from((*labels, "commit"))) if not draw(st.integers(0, 3)) else None
        active = {node.id for node in naive.active}
        likely = sorted(
            {event for way in chart.ways if way.source in active for event in way.events} & {*events}
        )
        found.append(
            Step(
                draw(st.sampled_from(likely if likely and draw(st.integers(0, 5)) else events)),
                {name: n + 1 for n, name in enumerate(names)},
                frozenset(draw(st.lists(st.sampled_from(labels), max_size=2))),
                raises,
                raises is not None and not draw(st.integers(0, 3)),
            )
        )
        if naive.fire(found[-1]).kind == "endless":
            break
    return chart, found
