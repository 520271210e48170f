"""Likely mistakes in a chart: states that no path reaches or leaves, loops without an end, and doubts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set as AbstractSet
from typing import NamedTuple

from statechart.engine.table import Way
from statechart.graph.edges import AnyChart, edges, events, events_of, failures, phases, states
from statechart.graph.paths import LIMIT, shortest_paths
from statechart.graph.walking import Place, Walk, explored
from statechart.wording import JOINED, counted, state_text

_ASTRAY = "leads to no final state: add a transition that does, or set validate_final_reachability = False"
_SHOWN = 3  # of several configurations with one problem


class Findings(NamedTuple):
    """The likely mistakes in a chart, a sentence each.

    Attributes:
        mistakes: Those for which a chart is refused.
        doubts: Those that may be meant, of which its declaration warns.
        note: What could not be looked at, or an empty string.
    """

    mistakes: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    note: str = ""


def lints(chart: AnyChart) -> tuple[str, ...]:
    """Return the likely mistakes in a chart, a sentence each."""
    found = findings(chart)
    return (*found.mistakes, *found.doubts, *([found.note] if found.note else []))


def findings(chart: AnyChart, limit: int = LIMIT) -> Findings:
    """Return the likely mistakes in a chart.

    Args:
        chart: The chart.
        limit: The most configurations that are looked at.
    """
    if getattr(chart, "_is_loaded", False):
        return Findings(())  # a document may have dead ends
    if not getattr(chart, "_is_stepwise", False):
        return Findings(tuple(_of_flat(chart)))
    walk, places, is_whole = explored(chart, limit)
    mistakes = [*_of_walk(chart, walk, places, is_whole=is_whole), *_of_phases(chart)]
    return Findings(
        tuple(mistakes),
        tuple(_doubts(chart, walk, is_whole=is_whole)),
        "" if is_whole else _note(chart, limit),
    )


def _note(chart: AnyChart, limit: int) -> str:
    return (
        f"{chart.__name__} has too many configurations: beyond {limit:,}, neither ways out nor transitions "
        "that are never taken were looked for"
    )


def _of_flat(chart: AnyChart) -> Iterator[str]:
    known = set(states(chart))
    # An event declared with a state's name replaces the state on the class, and its transitions stay.
    lost = {
        target.name or "without a name"
        for state in chart.states
        for transition in state.transitions
        for target in (transition.source, *transition.targets)
        if target not in list(chart.states)
    }
    for name in sorted(lost):
        yield f"a transition uses a state ({name}) that the chart lost: does an event have the same name?"
    for event in events(chart):
        if event in known:
            yield f"event {event!r} has the name of a state; rename it"
    initial = chart.initial_state
    found = shortest_paths(chart, initial.value) if initial is not None else {}
    for name in states(chart):
        if name not in found:
            yield _unreached(name)
    yield from _of_phases(chart)
    leaving = {edge.source for edge in edges(chart)}
    for state in chart.states:
        if not state.final and state_text(state.value) not in leaving:
            yield f"state {state_text(state.value)!r} has no way out and is not final"


def _unreached(name: str) -> str:
    return f"state {name!r} can't be reached from the initial state"


def _of_phases(chart: AnyChart) -> Iterator[str]:
    known = states(chart)
    seen: dict[str, str] = {}
    for phase, members in phases(chart).items():
        for name in members:
            if name not in known:
                yield f"phase {phase!r} has {name!r}, which is not a state of the chart"
            elif name in seen:
                yield f"state {name!r} is in the phases {seen[name]!r} and {phase!r}; leave it in one"
            seen[name] = phase
    for name in failures(chart):
        if name not in known:
            yield f"failures has {name!r}, which is not a state of the chart"


def _of_walk(chart: AnyChart, walk: Walk, places: Mapping[Place, None], *, is_whole: bool) -> Iterator[str]:
    """Yield the mistakes in a chart whose events may take several microsteps."""
    loop = walk.endless()
    if loop:  # without which the rest may be right
        yield (
            f"{' → '.join((*loop, loop[0]))} is a loop of transitions without an event, or of events that "
            "the chart raises itself, and it has no end: give one of them a guard, or an event"
        )
        return
    table = walk.table
    entered = walk.seen.entered if is_whole else walk.enterable()
    missing = 0
    for node in table.nodes:
        # Of states within one another, the outermost says all.
        if not node.remembers and not node.bit & (entered | missing):
            missing |= node.bit | node.below
            yield _unreached(walk.form.texts(node.bit)[0])
    if is_whole:
        stuck, astray = walk.stuck(places), walk.astray(places)
        yield from _some(walk, stuck, "has no way out and is not final")
        if chart.validate_final_reachability and any(state.final for state in chart.states):
            yield from _some(walk, astray - stuck, _ASTRAY)


def _some(walk: Walk, found: AbstractSet[int], what: str) -> Iterator[str]:
    """Yield a sentence about the first of several configurations, and the number of the others."""
    texts = sorted(map(walk.form.text, found))
    for text in texts[:_SHOWN]:
        yield f"{'configuration' if JOINED in text else 'state'} {text!r} {what}"
    if len(texts) > _SHOWN:
        yield f"likewise {counted(len(texts) - _SHOWN, 'more configuration')}"


def _doubts(chart: AnyChart, walk: Walk, *, is_whole: bool) -> Iterator[str]:
    nodes, seen = walk.table.nodes, walk.seen
    for (kept, lost), event in seen.conflicts.items():
        first, second = walk.ways[kept], walk.ways[lost]
        what = "a transition without an event" if event is None else repr(event)
        yield (
            f"{what} is claimed by two regions at once, {_told(walk, first)} and {_told(walk, second)}, "
            "which leave the same states: only the first is taken; let one of them have another event"
        )
    targets = {target for way in walk.ways.values() for target in way.targets}
    for node in nodes:
        if node.remembers and node.number not in targets:
            name = walk.form.texts(node.bit)[0]
            yield f"no transition leads to the history state {name!r}: lead one to it, or remove it"
    for number in sorted(seen.blank):
        name, around = (
            walk.form.texts(nodes[each].bit)[0] for each in (number, nodes[number].ancestors[0])
        )
        yield (
            f"history state {name!r} may be entered while it remembers nothing, and leads to the initial "
            f"states of {around!r} then: say so by a transition from it, such as {name}.to(...)"
        )
    for name in sorted(seen.lapsing):
        yield (
            f"the timer {name!r} lapses if the guards of its event refuse when it is due: add a transition "
            "without a guard, if something has to happen"
        )
    told = {lost for _, lost in seen.conflicts} | seen.taken
    for way in walk.ways.values() if is_whole else ():
        source = nodes[way.source]
        if not source.remembers and seen.entered & source.bit and way.number not in told:
            yield (
                f"the transition {_told(walk, way)}{_event(chart, way)} is never taken: another one always "
                "comes before it; remove it, or give that one a guard"
            )


def _event(chart: AnyChart, way: Way) -> str:
    names = [event.id for event in events_of(chart, way.transition) if event is not None]
    return f" by {' or '.join(map(repr, names))}" if names else " without an event"


def _told(walk: Walk, way: Way) -> str:
    texts = [walk.form.texts(walk.table.nodes[each].bit)[0] for each in (way.source, *way.targets)]
    return f"{texts[0]} → {' + '.join(texts[1:]) or texts[0]}"
