"""Outline a chart: the part of its picture that no mark changes, read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary

from statemachine.contrib.diagram.extract import extract
from statemachine.contrib.diagram.model import ActionType, DiagramAction

from statechart.engine.table import Kind as Kinds, Node as Tabled, Table, Way
from statechart.graph import edges, failures, phases, shortest_paths, states
from statechart.picture.triggers import is_timed, name_of, names_of, trigger_of
from statechart.picture.values import Arrow, Kind, Node, Note, Reach, identifiers, printable
from statechart.tree import is_nested
from statechart.wording import state_text

if TYPE_CHECKING:
    from statemachine import Event
    from statemachine.contrib.diagram.model import DiagramState

    from statechart.graph import AnyChart

FEW = 3  # transitions that differ only in their sources and are drawn all the same

Likeness: TypeAlias = tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Outline:
    """A chart without marks.

    Attributes:
        ids: The identifier of each state.
        failures: The identifiers of failures.
        whole: All transitions.
        drawn: The same, without the guards that all of them share; None where a note replaces it.
        likeness: The target, events with their names, and guards of each transition that may be folded with
            others like it.
        places: The indexes into `whole` by source, event and target, in the chart's own words.
        everywhere: The events that lead to one state from all others: name and target by event.
        starts: The states that the chart begins in.
        shared: The note about the guards of every transition, or nothing.
    """

    name: str
    ids: Mapping[str, str]
    failures: tuple[str, ...]
    nodes: tuple[Node, ...]
    boxes: Mapping[str, tuple[str, ...]]
    whole: tuple[Arrow, ...]
    guards: frozenset[str]
    drawn: tuple[Arrow | None, ...]
    likeness: tuple[Likeness | None, ...]
    places: Mapping[tuple[str, str, str], tuple[int, ...]]
    everywhere: Mapping[str, tuple[str, str]]
    shared: tuple[Note, ...]
    starts: tuple[str, ...]


_outlines: WeakKeyDictionary[AnyChart, Outline] = WeakKeyDictionary()
"""Outlines by chart: a chart does not change after its declaration."""


def outline(chart: AnyChart) -> Outline:
    """Return the outline of a chart."""
    found = _outlines.get(chart)
    if found is None:
        found = _outlines[chart] = _outline(chart)
    return found


def _outline(chart: AnyChart) -> Outline:
    table = Table(chart)
    texts = [state_text(node.state.value) for node in table.nodes]
    ids = dict(zip(texts, identifiers(node.state.id for node in table.nodes), strict=True))
    top = {text for text, node in zip(texts, table.nodes, strict=True) if not node.ancestors}
    boxes = {
        phase: tuple(ids[member] for member in members if member in top)
        for phase, members in phases(chart).items()
    }
    whole = tuple(_arrows(chart, table, tuple(ids.values())))
    values = {id: value for value, id in ids.items()}
    nested = is_nested(chart)
    bare = Outline(
        name=printable(chart.__name__),
        ids=ids,
        failures=tuple(ids[name] for name in failures(chart)),
        nodes=tuple(_nodes(chart, table, ids)),
        boxes={printable(phase): members for phase, members in boxes.items() if members or not nested},
        whole=whole,
        guards=frozenset(),
        drawn=whole,
        likeness=(None,) * len(whole),
        places=_places(whole, values),
        everywhere={},
        shared=(),
        starts=tuple(ids[texts[number]] for number in table.starts),
    )
    # In a chart with states within states, states that share transitions have a state around them.
    return bare if nested else _folded(chart, bare)


def _folded(chart: AnyChart, bare: Outline) -> Outline:
    """Return an outline with what many transitions share apart."""
    ids, whole = bare.ids, bare.whole
    everywhere = {event.id: (name_of(event), ids[target]) for event, target in _from_everywhere(chart)}
    # An arrow from every state, or a guard on every arrow, would hide the rest of the picture.
    kept = [not arrow.events or not everywhere.keys() >= set(arrow.events) for arrow in whole]
    sets = [set(arrow.guards) for arrow, keeps in zip(whole, kept, strict=True) if keeps]
    guards = frozenset(set.intersection(*sets) if sets else ())
    drawn = [without(arrow, guards) if keeps else None for arrow, keeps in zip(whole, kept, strict=True)]
    return replace(
        bare,
        guards=guards,
        drawn=tuple(drawn),
        likeness=tuple(_likenesses(chart, drawn, ids, bare.boxes)),
        everywhere=everywhere,
        shared=tuple(_shared(chart, guards, ids, [name for name, _ in everywhere.values()])),
    )


def without(arrow: Arrow, guards: frozenset[str]) -> Arrow:
    """Return a transition without some guards."""
    return replace(arrow, guards=tuple(guard for guard in arrow.guards if guard not in guards))


def _nodes(chart: AnyChart, table: Table, ids: Mapping[str, str]) -> Iterator[Node]:
    named = tuple(ids.values())
    actions = {drawn.id: drawn.actions for drawn in _drawn(extract(chart).states)}
    nested = is_nested(chart)
    opened = {*table.starts, *(target for node in table.nodes for target in node.initial)}
    for node in table.nodes:
        state = node.state
        yield Node(
            named[node.number],
            name_of(state),
            initial=node.number in opened,
            final=node.kind is Kinds.FINAL,
            actions=tuple(
                printable(_action(action))
                for action in actions[state.id]
                if not nested or action.type is not ActionType.INTERNAL
            ),
            failure=state_text(state.value) in failures(chart),
            kind=_KINDS[node.kind],
            parent=named[node.ancestors[0]] if node.ancestors else "",
            opens=tuple(named[target] for target in node.initial),
        )


_KINDS: Mapping[Kinds, Kind] = {
    Kinds.ATOMIC: "atomic",
    Kinds.FINAL: "final",
    Kinds.COMPOUND: "compound",
    Kinds.PARALLEL: "parallel",
    Kinds.SHALLOW: "shallow",
    Kinds.DEEP: "deep",
}


def _drawn(states: Sequence[DiagramState]) -> Iterator[DiagramState]:
    for state in states:
        yield state
        yield from _drawn(state.children)


def _action(action: DiagramAction) -> str:
    return action.body if action.type is ActionType.INTERNAL else f"{action.type.value} / {action.body}"


def _arrows(chart: AnyChart, table: Table, ids: Sequence[str]) -> Iterator[Arrow]:
    for node in table.nodes:
        for way in node.ways:
            trigger = trigger_of(way.transition, is_default=node.remembers)
            first, *others = (ids[target] for target in way.targets or (node.number,))
            yield Arrow(
                ids[node.number],
                first,
                events=tuple(event.id for event in way.transition.events),
                names=names_of(chart, way.transition, trigger),
                guards=tuple(printable(str(guard)) for guard in way.transition.cond),
                others=tuple(others),
                trigger=trigger,
                reach=_reach(node, way, table),
                timed=is_timed(chart, way.transition),
            )


def _reach(node: Tabled, way: Way, table: Table) -> Reach:
    if not way.targets:
        return "stays"
    is_inner = node.kind is Kinds.COMPOUND and all(
        target == node.number or node.below & table.nodes[target].bit for target in way.targets
    )
    return "internal" if way.transition.internal and is_inner else "external"


def _places(
    whole: Sequence[Arrow], values: Mapping[str, str]
) -> dict[tuple[str, str, str], tuple[int, ...]]:
    places: dict[tuple[str, str, str], tuple[int, ...]] = {}
    for index, arrow in enumerate(whole):
        for event in arrow.events:
            way = values[arrow.source], event, values[arrow.target]
            places[way] = (*places.get(way, ()), index)
    return places


def _likenesses(
    chart: AnyChart,
    drawn: Sequence[Arrow | None],
    ids: Mapping[str, str],
    boxes: Mapping[str, tuple[str, ...]],
) -> Iterator[Likeness | None]:
    """Yield the likeness of each transition.

    Left out are the transitions by which a state is reached first, and those inside of a phase.
    """
    initial = next(state.value for state in chart.states if state.initial)
    first = {
        (ids[path[-1].source], path[-1].event, ids[target])
        for target, path in shortest_paths(chart, initial).items()
        if path
    }
    homes = {member: phase for phase, members in boxes.items() for member in members}
    for arrow in drawn:
        if arrow is None or arrow.reach == "stays":
            yield None
            continue
        ways = {(arrow.source, event, arrow.target) for event in arrow.events}
        home = homes.get(arrow.source)
        is_apart = ways & first or (home is not None and home == homes.get(arrow.target))
        yield None if is_apart else (arrow.target, arrow.events, arrow.names, arrow.guards)


def _from_everywhere(chart: AnyChart) -> Iterator[tuple[Event, str]]:
    """Yield each event that leads to one state from all others, if there are more than three.

    An event that a timer fires is left out, as its transitions differ in their delays.
    """
    known = set(states(chart))
    timed = {alarm.event for alarm in getattr(chart, "_alarms", {}).values()}
    for event in (event for event in chart._events if event.id not in timed):
        taken = [edge for edge in edges(chart) if edge.event == event.id]
        targets = {edge.target for edge in taken}
        if len(targets) == 1 and {edge.source for edge in taken} == known - targets and len(taken) > FEW:
            yield event, targets.pop()


def _shared(
    chart: AnyChart, shared: frozenset[str], ids: Mapping[str, str], names: Sequence[str]
) -> Iterator[Note]:
    if shared:
        initial = next(state_text(state.value) for state in chart.states if state.initial)
        guards, others = (", ".join("{}" for _ in texts) for texts in (shared, names))
        words = f"[{guards}] guards every event{f' but {others}' if others else ''}"
        yield Note(ids[initial], words, (*sorted(shared), *names))
