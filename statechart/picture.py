"""The content of a diagram, before a format draws it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from statemachine.contrib.diagram.extract import extract
from statemachine.contrib.diagram.model import ActionType, DiagramAction

from statechart.errors import NoSuchPath, UnknownEvent, UnknownState
from statechart.graph import allowed_events, edges, events, failures, phases, shortest_paths, states
from statechart.wording import counted, state_text

if TYPE_CHECKING:
    from statemachine import Event, State

    from statechart.graph import AnyChart

_REMARK = "{}"
_FEW = 3  # transitions that differ only in their sources and are drawn all the same

Escape: TypeAlias = "Callable[[str], str]"
"""Writes a text so that a format shows it, and gives none of its characters a meaning."""


ArrowMark: TypeAlias = Literal["", "failed", "missed", "untested", "unseen"]
"""A transition that led to the current failure, that no test covers, that production took although no
test covers it, or that tests cover and production never took.
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """A transition that was taken.

    Attributes:
        label: A text for formats that write one text at a transition: its order and its time, for example.
        time: The time, for pictures that show the order on their own.
    """

    source: str
    event: str
    target: str
    label: str = ""
    time: str = ""


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
class Node:
    """A state as it is drawn.

    Attributes:
        id: ASCII letters, digits and underscores, different for each state.
        name: The name for people.
        actions: The actions on entry and exit, a line each.
        failure: Whether the chart declares the state as a failure.
    """

    id: str
    name: str
    initial: bool = False
    final: bool = False
    actions: tuple[str, ...] = ()
    failure: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    """A transition as it is drawn.

    Attributes:
        events: The identifiers of its events.
        names: The names of its events, for people.
        label: A remark on the events: when they were fired, for example.
        taken: Whether it is among the transitions that were taken, or covered by a test.
        order: A short text for the order in which it was taken: `3`, `2, 5`, or `4x`.
        detail: A short line below the events: the time, or the numbers of tests.
        mark: Why it deserves attention, beyond `taken`.
    """

    source: str
    target: str
    events: tuple[str, ...]
    names: tuple[str, ...]
    guards: tuple[str, ...] = ()
    label: str = ""
    taken: bool = False
    order: str = ""
    detail: str = ""
    mark: ArrowMark = ""

    @property
    def kind(self) -> Literal["plain", "taken", "failed", "missed", "untested", "unseen"]:
        """The class of the transition, which a format shows by colour and dash."""
        return self.mark or ("taken" if self.taken else "plain")

    def spelled(self, escape: Escape) -> str:
        """Return the events and the label, each escaped."""
        label = f" ({escape(self.label)})" if self.label else ""
        return ", ".join(map(escape, self.names)) + label


@dataclass(frozen=True, slots=True)
class Note:
    """A text at a state: our words, with `{}` for each text of the chart.

    Attributes:
        arrows: The transitions that the note stands for.
    """

    state: str
    words: str
    texts: tuple[str, ...]
    arrows: tuple[Arrow, ...] = ()

    @property
    def is_remark(self) -> bool:
        """Whether the note is the remark about the current state."""
        return self.words == _REMARK

    def spelled(self, escape: Escape) -> str:
        """Return the note with each text of the chart escaped."""
        return self.words.format(*map(escape, self.texts))


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, ready to be drawn. Its texts are printable lines, which each format has to escape.

    Attributes:
        arrows: The drawn transitions, without those that became notes.
        whole: All transitions, for tables.
        boxes: The states of each phase.
        classes: The class of each state: `current`, `failed`, `visited`, `failure`, or `missed` by tests.
    """

    name: str
    nodes: Sequence[Node]
    arrows: Sequence[Arrow]
    whole: Sequence[Arrow]
    boxes: Mapping[str, tuple[str, ...]]
    notes: Sequence[Note]
    classes: Mapping[str, str]

    @property
    def missed(self) -> frozenset[int]:
        """The transitions that tests missed, as indexes into `arrows`."""
        gaps = ("missed", "untested")
        return frozenset(index for index, arrow in enumerate(self.arrows) if arrow.mark in gaps)

    def described(self) -> str:
        """Return the picture in a sentence, for people who don't see it."""
        names = {node.id: node.name for node in self.nodes}
        said = [f"{self.name}: {counted(len(self.nodes), 'state')}"]
        for state, shown in self.classes.items():
            if shown in ("current", "failed") and not self.missed:
                failed = ", failed" if shown == "failed" else ""
                said.append(f"now in {names[state]}{failed}")
        said += [note.spelled(str) for note in self.notes if note.is_remark]
        return "; ".join(said)


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
    ids = dict(zip(states(chart), identifiers(state.id for state in chart.states), strict=True))
    whole = list(_arrows(chart, ids, marks))
    arrows, notes = _fold(chart, whole, ids)
    return Picture(
        name=printable(chart.__name__),
        nodes=list(_nodes(chart, ids)),
        arrows=arrows,
        whole=whole,
        boxes={
            printable(phase): tuple(ids[member] for member in members)
            for phase, members in phases(chart).items()
        },
        notes=[*notes, *_remarks(marks, ids)],
        classes=_classes(chart, marks, ids),
    )


def printable(text: str) -> str:
    """Return a text on one line, without the characters that pages and XML can't hold."""
    return _UNFIT.sub("\ufffd", " ".join(text.split()))


_UNFIT = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")


def identifiers(texts: Iterable[str]) -> list[str]:
    """Return a different identifier for each text, of ASCII letters, digits and underscores."""
    given: dict[str, None] = {}
    for text in texts:
        spelled = re.sub("[^0-9A-Za-z]+", "_", text)
        while spelled in given:
            spelled += "_"
        given[spelled] = None
    return list(given)


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


def _arrows(chart: AnyChart, ids: Mapping[str, str], marks: Marks) -> Iterator[Arrow]:
    transitions = [transition for state in chart.states for transition in state.transitions]
    for transition in transitions:
        for target in transition.targets:
            ends = state_text(transition.source.value), state_text(target.value)
            keys = tuple(event.id for event in transition.events)
            taken = [
                (number, visit)
                for number, visit in enumerate(marks.visits, 1)
                if (visit.source, visit.target) == ends and visit.event in keys
            ]
            has_failed = marks.failed and bool(taken) and taken[-1][0] == len(marks.visits)
            yield Arrow(
                ids[ends[0]],
                ids[ends[1]],
                events=keys,
                names=tuple(_name(event) for event in transition.events),
                guards=tuple(printable(str(guard)) for guard in transition.cond),
                label=printable(_summed([visit.label for _, visit in taken])),
                taken=bool(taken),
                order=_order([number for number, _ in taken]),
                detail=printable(_detail(taken)),
                mark="failed" if has_failed else "",
            )


def _summed(labels: Sequence[str]) -> str:
    shown = [label for label in labels if label]
    return ", ".join(shown) if len(shown) <= 2 else f"{len(shown)} times, last {shown[-1]}"


def _order(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers)) if len(numbers) <= 2 else f"{len(numbers)}x"


def _detail(taken: Sequence[tuple[int, Visit]]) -> str:
    said = [visit.time or (visit.label if visit.label != str(number) else "") for number, visit in taken]
    shown = [text for text in said if text]
    return ", ".join(shown) if len(shown) <= 2 else f"last {shown[-1]}"


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
    return (
        [Note(ids[marks.current], _REMARK, (printable(marks.remark),))]
        if marks.current and marks.remark
        else []
    )


def _fold(
    chart: AnyChart, arrows: Sequence[Arrow], ids: Mapping[str, str]
) -> tuple[list[Arrow], list[Note]]:
    """Turn into notes what leads to a state from all or many others, and guards of every transition.

    Transitions that were taken are kept.
    """
    # An arrow from every state, or a guard on every arrow, would hide the rest of the picture.
    everywhere = dict(_from_everywhere(chart))
    kept = [arrow for arrow in arrows if not everywhere.keys() >= set(arrow.events)]
    shared = set.intersection(*(set(arrow.guards) for arrow in kept)) if kept else set()
    names = {event.id: _name(event) for event in chart._events if event.id in everywhere}
    notes = [
        Note(
            ids[target],
            "{} leads here from every other state",
            (names[event],),
            tuple(arrow for arrow in arrows if event in arrow.events and not arrow.taken),
        )
        for event, target in everywhere.items()
    ]
    drawn = [
        replace(arrow, guards=tuple(guard for guard in arrow.guards if guard not in shared))
        for arrow in arrows
        if arrow in kept or arrow.taken
    ]
    folded = _from_many(chart, drawn, ids)
    shown = {ids[state_text(state.value)]: _name(state) for state in chart.states}
    notes += [_from_others(group, shown) for group in folded]
    if shared:
        initial = next(state_text(state.value) for state in chart.states if state.initial)
        guards, others = (", ".join("{}" for _ in texts) for texts in (shared, names))
        words = f"[{guards}] guards every event{f' but {others}' if others else ''}"
        notes.append(Note(ids[initial], words, (*sorted(shared), *names.values())))
    hidden = {arrow for group in folded for arrow in group}
    return [arrow for arrow in drawn if arrow not in hidden], notes


def _from_many(chart: AnyChart, arrows: Sequence[Arrow], ids: Mapping[str, str]) -> list[list[Arrow]]:
    """Return the groups of transitions that differ only in their sources, if there are more than three.

    Left out are the transitions by which a state is reached first, those inside of a phase, and those
    that were taken.
    """
    initial = next(state.value for state in chart.states if state.initial)
    first = {
        (ids[path[-1].source], path[-1].event, ids[target])
        for target, path in shortest_paths(chart, initial).items()
        if path
    }
    homes = {ids[member]: phase for phase, members in phases(chart).items() for member in members}
    groups: dict[tuple[object, ...], list[Arrow]] = {}
    for arrow in arrows:
        ways = {(arrow.source, event, arrow.target) for event in arrow.events}
        home = homes.get(arrow.source)
        if not (arrow.taken or ways & first or (home is not None and home == homes.get(arrow.target))):
            groups.setdefault((arrow.target, arrow.events, arrow.guards), []).append(arrow)
    return [group for group in groups.values() if len(group) > _FEW]


def _from_others(group: Sequence[Arrow], shown: Mapping[str, str]) -> Note:
    arrow, sources = group[0], [shown[arrow.source] for arrow in group]
    events, guards = (", ".join("{}" for _ in texts) for texts in (arrow.names, arrow.guards))
    listed = f"{', '.join('{}' for _ in sources[1:])} and {{}}"
    words = f"{events}{f' [{guards}]' if guards else ''} leads here also from {listed}"
    return Note(arrow.target, words, (*arrow.names, *arrow.guards, *sources), tuple(group))


def _from_everywhere(chart: AnyChart) -> Iterator[tuple[str, str]]:
    """Yield each event that leads to one state from all others, if there are more than three."""
    known = set(states(chart))
    for event in chart._events:
        taken = [edge for edge in edges(chart) if edge.event == event.id]
        targets = {edge.target for edge in taken}
        if len(targets) == 1 and {edge.source for edge in taken} == known - targets and len(taken) > _FEW:
            yield event.id, targets.pop()
