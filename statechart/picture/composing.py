"""Compose the picture of a chart: its outline, its marks, and notes for what many transitions share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from statechart.configuration import states_in
from statechart.errors import UnknownState
from statechart.picture.outline import FEW, Likeness, Outline, outline, without
from statechart.picture.steps import taken_by, visited
from statechart.picture.values import REMARK, Arrow, Marks, Note, Picture, Visit, printable

if TYPE_CHECKING:
    from statechart.graph import AnyChart


def compose(chart: AnyChart, marks: Marks) -> Picture:
    """Compose the picture of a chart.

    Raises:
        UnknownState: The chart has no state that was to be marked.
    """
    bare = outline(chart)
    current = _current(chart, bare, marks)
    taken = _taken(bare, marks)
    whole = [taken.get(index, arrow) for index, arrow in enumerate(bare.whole)]
    arrows, folded = _folded(bare, taken)
    names = {node.id: node.name for node in bare.nodes}
    return Picture(
        name=bare.name,
        nodes=bare.nodes,
        arrows=arrows,
        whole=whole,
        boxes=bare.boxes,
        notes=[
            *_from_everywhere(bare, whole),
            *(_from_others(group, names) for group in folded),
            *bare.shared,
            *_remarks(current, marks),
        ],
        classes=_classes(bare, marks, current),
        starts=bare.starts,
    )


def _current(chart: AnyChart, bare: Outline, marks: Marks) -> tuple[str, ...]:
    """Return the identifiers of the states to be marked as current."""
    if marks.current is None:
        return ()
    found = states_in(marks.current, bare.ids)
    if not found:
        raise UnknownState(chart.__name__, marks.current, bare.ids)
    return tuple(bare.ids[name] for name in found)


def _taken(bare: Outline, marks: Marks) -> dict[int, Arrow]:
    """Return the transitions that were taken, by their index."""
    visits: dict[int, list[tuple[int, Visit]]] = {}
    for number, visit in enumerate(marks.visits, 1):
        for index in taken_by(bare, visit):
            visits.setdefault(index, []).append((number, visit))
    return {
        index: replace(
            bare.whole[index],
            label=printable(_summed([visit.label for _, visit in taken])),
            taken=True,
            order=_order([number for number, _ in taken]),
            detail=printable(_detail(taken)),
            mark="failed" if marks.failed and taken[-1][0] == len(marks.visits) else "",
        )
        for index, taken in visits.items()
    }


def _summed(labels: Sequence[str]) -> str:
    shown = [label for label in labels if label]
    return ", ".join(shown) if len(shown) <= 2 else f"{len(shown)} times, last {shown[-1]}"


def _order(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers)) if len(numbers) <= 2 else f"{len(numbers)}x"


def _detail(taken: Sequence[tuple[int, Visit]]) -> str:
    said = [visit.time or (visit.label if visit.label != str(number) else "") for number, visit in taken]
    return next((text for text in reversed(said) if text), "")


def _folded(bare: Outline, taken: Mapping[int, Arrow]) -> tuple[list[Arrow], list[list[Arrow]]]:
    """Return the drawn transitions, and the groups of those that differ only in their sources.

    Transitions that were taken are always drawn.
    """
    alike: dict[Likeness, list[int]] = {}
    for index, likeness in enumerate(bare.likeness):
        if likeness is not None and index not in taken:
            alike.setdefault(likeness, []).append(index)
    groups = [group for group in alike.values() if len(group) > FEW]
    hidden = {index for group in groups for index in group}
    arrows = [
        arrow if index not in taken else without(taken[index], bare.guards)
        for index, arrow in enumerate(bare.drawn)
        if index in taken or (arrow is not None and index not in hidden)
    ]
    drawn = [[bare.drawn[index] for index in group] for group in groups]
    return (
        [arrow for arrow in arrows if arrow is not None],
        [[arrow for arrow in group if arrow is not None] for group in drawn],
    )


def _from_everywhere(bare: Outline, whole: Sequence[Arrow]) -> Iterator[Note]:
    for event, (name, target) in bare.everywhere.items():
        arrows = tuple(arrow for arrow in whole if event in arrow.events and not arrow.taken)
        yield Note(target, "{} leads here from every other state", (name,), arrows)


def _from_others(group: Sequence[Arrow], names: Mapping[str, str]) -> Note:
    arrow, sources = group[0], [names[arrow.source] for arrow in group]
    events, guards = (", ".join("{}" for _ in texts) for texts in (arrow.names, arrow.guards))
    listed = f"{', '.join('{}' for _ in sources[1:])} and {{}}"
    words = f"{events}{f' [{guards}]' if guards else ''} leads here also from {listed}"
    return Note(arrow.target, words, (*arrow.names, *arrow.guards, *sources), tuple(group))


def _classes(bare: Outline, marks: Marks, current: Sequence[str]) -> dict[str, str]:
    classes = dict.fromkeys(bare.failures, "failure")
    for visit in marks.visits:
        for name in visited(bare, visit):
            classes[bare.ids[name]] = "visited"
    parents = {node.id: node.parent for node in bare.nodes}
    for state in current:
        while state := parents[state]:
            classes[state] = "around"
    failing = [state for state in current if state in bare.failures] or current
    for state in current:
        classes[state] = "failed" if marks.failed and state in failing else "current"
    return classes


def _remarks(current: Sequence[str], marks: Marks) -> Iterator[Note]:
    if current and marks.remark:
        yield Note(current[0], REMARK, (printable(marks.remark),), beside=tuple(current[1:]))
