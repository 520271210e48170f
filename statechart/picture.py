"""The content of a diagram, before a format draws it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from statemachine.contrib.diagram.extract import extract
from statemachine.contrib.diagram.model import DiagramGraph, DiagramState, DiagramTransition, StateType

from statechart.errors import NoSuchPath, UnknownEvent, UnknownState
from statechart.graph import allowed_events, edges, events, failures, phases, states
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.graph import AnyChart


@dataclass(frozen=True, slots=True)
class Visit:
    """A transition that was taken, with a label: the time, for example."""

    source: str
    event: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Marks:
    """The highlights of a diagram.

    Attributes:
        current: The current state.
        failed: Whether the current state means a failure.
        visits: The transitions that led there, oldest first.
        remark: A line about the current state: the step that failed, for example.
    """

    current: str | None = None
    failed: bool = False
    visits: Sequence[Visit] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A text at a state."""

    state: str
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, ready to be drawn. States have the identifiers that renderers use.

    Attributes:
        graph: The drawn states and transitions, flat, without those that became notes.
        whole: The same without notes, for tables.
        boxes: The states of each phase.
        classes: The class of each state: `current`, `failed`, `visited` or `failure`.
        visited: The transitions taken, as indexes into `graph.transitions`.
        missed: The transitions that tests missed, likewise.
    """

    graph: DiagramGraph
    whole: DiagramGraph
    boxes: Mapping[str, tuple[str, ...]]
    notes: Sequence[Note]
    classes: Mapping[str, str]
    visited: frozenset[int] = field(default_factory=frozenset)
    missed: frozenset[int] = field(default_factory=frozenset)


def path(chart: AnyChart, names: Sequence[str]) -> Marks:
    """Return the marks of a path: events that lead from the initial state, in order.

    Guards are not asked.

    Raises:
        UnknownEvent: The chart has no such event.
        NoSuchPath: An event does not leave the state that the earlier events lead to.
    """
    known = {(edge.source, edge.event): edge for edge in edges(chart)}
    here = next(state_text(state.value) for state in chart.states if state.initial)
    visits = []
    for number, name in enumerate(names, 1):
        if name not in events(chart):
            raise UnknownEvent(chart.__name__, name, events(chart))
        edge = known.get((here, name))
        if edge is None:
            raise NoSuchPath(chart.__name__, name, here, allowed_events(chart, here))
        visits.append(Visit(here, name, edge.target, f"{number}"))
        here = edge.target
    return Marks(current=here, visits=visits)


def chosen(chart: AnyChart, state: str | None = None, events: str | None = None) -> Marks:
    """Return the marks of a state, or of a path given as events with commas between them.

    Raises:
        ValueError: Both are given.
        StatechartError: The chart has no such state, event or path.
    """
    if state is not None and events is not None:
        raise ValueError("a state or a path can be marked, not both")
    if events is None:
        return Marks(current=state)
    return path(chart, [event.strip() for event in events.split(",") if event.strip()])


def compose(chart: AnyChart, marks: Marks) -> Picture:
    """Compose the picture of a chart.

    Raises:
        UnknownState: The chart has no state that was to be marked.
    """
    if marks.current is not None and marks.current not in states(chart):
        raise UnknownState(chart.__name__, marks.current, states(chart))
    ids = {state_text(state.value): state.id for state in chart.states}
    labels = _labels(chart, marks, ids)
    whole = extract(chart)
    plain = [edge for edge in whole.transitions if edge.source in ids.values()]
    folded, notes = _fold(chart, plain, ids, labels)
    drawn = [_labelled(edge, labels) for edge in folded]
    return Picture(
        graph=replace(whole, transitions=drawn),
        whole=replace(whole, transitions=[_labelled(edge, labels) for edge in plain]),
        boxes={phase: tuple(ids[member] for member in members) for phase, members in phases(chart).items()},
        notes=[*notes, *_remarks(marks, ids)],
        classes=_classes(chart, marks, ids),
        visited=frozenset(index for index, edge in enumerate(folded) if _key(edge) in labels),
    )


_Key = tuple[str, str, str]


def _key(edge: DiagramTransition) -> _Key:
    return edge.source, edge.event, edge.targets[0]


def _labels(chart: AnyChart, marks: Marks, ids: Mapping[str, str]) -> dict[_Key, str]:
    """Return the label of each transition that was taken, by the renderers' identifiers."""
    spoken = {event.id: str(event.name) for event in chart._events}
    known = {(edge.source, edge.event, edge.target) for edge in edges(chart)}
    said: dict[_Key, list[str]] = {}
    for visit in marks.visits:
        if (visit.source, visit.event, visit.target) in known:
            key = (ids[visit.source], spoken[visit.event], ids[visit.target])
            said.setdefault(key, []).append(visit.label)
    return {key: _summed(labels) for key, labels in said.items()}


def _summed(labels: Sequence[str]) -> str:
    shown = [label for label in labels if label]
    return ", ".join(shown) if len(shown) <= 2 else f"{len(shown)} times, last {shown[-1]}"


def _labelled(edge: DiagramTransition, labels: Mapping[_Key, str]) -> DiagramTransition:
    label = labels.get(_key(edge))
    return replace(edge, event=f"{edge.event} ({label})") if label else edge


def _classes(chart: AnyChart, marks: Marks, ids: Mapping[str, str]) -> dict[str, str]:
    classes = {ids[name]: "failure" for name in failures(chart)}
    for visit in marks.visits:
        for name in (visit.source, visit.target):
            if name in ids:
                classes[ids[name]] = "visited"
    if marks.current is not None:
        classes[ids[marks.current]] = "failed" if marks.failed else "current"
    return classes


def _remarks(marks: Marks, ids: Mapping[str, str]) -> list[Note]:
    return [Note(ids[marks.current], marks.remark)] if marks.current and marks.remark else []


def _fold(
    chart: AnyChart,
    transitions: Sequence[DiagramTransition],
    ids: Mapping[str, str],
    labels: Mapping[_Key, str],
) -> tuple[list[DiagramTransition], list[Note]]:
    """Turn events and guards that are the same everywhere into notes; keep visited transitions."""
    # An arrow from every state, or a guard on every arrow, would hide the rest of the picture.
    everywhere = dict(_from_everywhere(chart))
    kept = [edge for edge in transitions if edge.event not in everywhere]
    shared = set.intersection(*(set(edge.guards) for edge in kept)) if kept else set()
    notes = [
        Note(ids[target], f"{event} leads here from every other state")
        for event, target in everywhere.items()
    ]
    if shared:
        initial = next(state.id for state in chart.states if state.initial)
        others = f" but {', '.join(everywhere)}" if everywhere else ""
        notes.append(Note(initial, f"[{', '.join(sorted(shared))}] guards every event{others}"))
    drawn = [edge for edge in transitions if edge.event not in everywhere or _key(edge) in labels]
    return [
        replace(edge, guards=[guard for guard in edge.guards if guard not in shared]) for edge in drawn
    ], notes


def _from_everywhere(chart: AnyChart) -> Iterator[tuple[str, str]]:
    """Yield each event that leads to one state from all others, if there are more than three."""
    known = set(states(chart))
    for event in chart._events:
        taken = [edge for edge in edges(chart) if edge.event == event.id]
        targets = {edge.target for edge in taken}
        if len(targets) == 1 and {edge.source for edge in taken} == known - targets and len(taken) > 3:
            yield str(event.name), targets.pop()


def grouped(picture: Picture) -> DiagramGraph:
    """Return the graph with a compound state for each phase, for renderers of nested charts."""
    by_id = {state.id: state for state in picture.graph.states}
    home = {member: phase for phase, members in picture.boxes.items() for member in members}
    boxed: dict[str, DiagramState] = {}
    for state in picture.graph.states:
        phase = home.get(state.id)
        if phase is None:
            boxed[state.id] = state
        elif phase not in boxed:
            children = [by_id[member] for member in picture.boxes[phase]]
            boxed[phase] = DiagramState(box_id(phase), phase, StateType.REGULAR, children=children)
    compounds = {box_id(phase) for phase in picture.boxes}
    return replace(picture.graph, states=list(boxed.values()), compound_state_ids=compounds)


def box_id(phase: str) -> str:
    """Return the identifier of a phase, different from those of states."""
    return "phase_" + "".join(letter if letter.isalnum() else "_" for letter in phase)
