"""Outline a chart: the part of its picture that no mark changes, read once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary

from statemachine.contrib.diagram.extract import extract
from statemachine.contrib.diagram.model import ActionType, DiagramAction

from statechart.graph import edges, failures, phases, shortest_paths, states
from statechart.picture.values import Arrow, Node, Note, identifiers, printable
from statechart.wording import state_text

if TYPE_CHECKING:
    from statemachine import Event, State

    from statechart.graph import AnyChart

FEW = 3  # transitions that differ only in their sources and are drawn all the same

Likeness: TypeAlias = tuple[str, tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Outline:
    """A chart without marks.

    Attributes:
        ids: The identifier of each state.
        failures: The identifiers of failures.
        whole: All transitions.
        drawn: The same, without the guards that all of them share; None where a note replaces it.
        likeness: The target, events and guards of each transition that may be folded with others like it.
        places: The indexes into `whole` by source, event and target, in the chart's own words.
        everywhere: The events that lead to one state from all others: name and target by event.
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


_outlines: WeakKeyDictionary[AnyChart, Outline] = WeakKeyDictionary()
"""Outlines by chart: a chart does not change after its declaration."""


def outline(chart: AnyChart) -> Outline:
    """Return the outline of a chart."""
    found = _outlines.get(chart)
    if found is None:
        found = _outlines[chart] = _outline(chart)
    return found


def _outline(chart: AnyChart) -> Outline:
    ids = dict(zip(states(chart), identifiers(state.id for state in chart.states), strict=True))
    boxes = {phase: tuple(ids[member] for member in members) for phase, members in phases(chart).items()}
    whole = tuple(_arrows(chart, ids))
    everywhere = {event.id: (_name(event), ids[target]) for event, target in _from_everywhere(chart)}
    # An arrow from every state, or a guard on every arrow, would hide the rest of the picture.
    kept = [not everywhere.keys() >= set(arrow.events) for arrow in whole]
    sets = [set(arrow.guards) for arrow, keeps in zip(whole, kept, strict=True) if keeps]
    guards = frozenset(set.intersection(*sets) if sets else ())
    drawn = [without(arrow, guards) if keeps else None for arrow, keeps in zip(whole, kept, strict=True)]
    return Outline(
        name=printable(chart.__name__),
        ids=ids,
        failures=tuple(ids[name] for name in failures(chart)),
        nodes=tuple(_nodes(chart, ids)),
        boxes={printable(phase): members for phase, members in boxes.items()},
        whole=whole,
        guards=guards,
        drawn=tuple(drawn),
        likeness=tuple(_likenesses(chart, drawn, ids, boxes)),
        places=_places(whole, {id: value for value, id in ids.items()}),
        everywhere=everywhere,
        shared=tuple(_shared(chart, guards, ids, [name for name, _ in everywhere.values()])),
    )


def without(arrow: Arrow, guards: frozenset[str]) -> Arrow:
    """Return a transition without some guards."""
    return replace(arrow, guards=tuple(guard for guard in arrow.guards if guard not in guards))


def _nodes(chart: AnyChart, ids: Mapping[str, str]) -> Iterator[Node]:
    for state, drawn in zip(chart.states, extract(chart).states, strict=True):
        actions = tuple(printable(_action(action)) for action in drawn.actions)
        value = state_text(state.value)
        is_failure = value in failures(chart)
        yield Node(ids[value], _name(state), state.initial, state.final, actions, is_failure)


def _name(named: State | Event) -> str:
    return printable(str(named.name)) or printable(named.id)


def _action(action: DiagramAction) -> str:
    return action.body if action.type is ActionType.INTERNAL else f"{action.type.value} / {action.body}"


def _arrows(chart: AnyChart, ids: Mapping[str, str]) -> Iterator[Arrow]:
    for transition in (transition for state in chart.states for transition in state.transitions):
        for target in transition.targets:
            yield Arrow(
                ids[state_text(transition.source.value)],
                ids[state_text(target.value)],
                events=tuple(event.id for event in transition.events),
                names=tuple(_name(event) for event in transition.events),
                guards=tuple(printable(str(guard)) for guard in transition.cond),
            )


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
        if arrow is None:
            yield None
            continue
        ways = {(arrow.source, event, arrow.target) for event in arrow.events}
        home = homes.get(arrow.source)
        is_apart = ways & first or (home is not None and home == homes.get(arrow.target))
        yield None if is_apart else (arrow.target, arrow.events, arrow.guards)


def _from_everywhere(chart: AnyChart) -> Iterator[tuple[Event, str]]:
    """Yield each event that leads to one state from all others, if there are more than three."""
    known = set(states(chart))
    for event in chart._events:
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
