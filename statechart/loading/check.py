"""Check the description in a document: names, targets, and places of elements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from statechart.loading.specification import Arrow, Described, Description, Kind
from statechart.wording import nearest

MOST = 5_000
"""The most states of a document."""


def states_by_id(description: Description) -> dict[str, Described]:
    """Return the states of a document by their ids, after a check of each.

    Raises:
        DocumentRefused: A name appears twice or leads nowhere, or a state stands where it can't.
    """
    found: dict[str, Described] = {}
    for state in description.every():
        other = found.get(state.id)
        if other is not None:
            where = f"line {other.place.line}" if other.place.line else other.place.path
            raise state.place.refused(f"the id {state.id!r} is taken by the state at {where}: rename one")
        if any(character.isspace() for character in state.id) or not state.id.isprintable():
            raise state.place.refused(f"the id {state.id!r} has spaces in it: take them away")
        found[state.id] = state
        if len(found) > MOST:
            raise state.place.refused(f"it has more than {MOST:,} states: divide the chart")
    for state in found.values():
        _check(state, found)
    starts = tuple(targets_of(description.initial, found, description.states[0]))
    if any(state.remembers for state in starts):
        raise starts[0].place.refused("a chart can't begin in a history state: name another")
    for at, first in enumerate(starts):
        for second in starts[:at]:
            if not _may_be_active_together(first, second):
                raise first.place.refused(
                    f"a chart can't begin in {second.id!r} and {first.id!r} together: "
                    "name states of different regions"
                )
    return found


def _may_be_active_together(first: Described, second: Described) -> bool:
    """Return whether two states are in different regions of a parallel state."""
    around: Described | None = first
    while around is not None and around is not second and not second.is_within(around):
        around = around.parent
    return around is not None and around not in (first, second) and around.kind is Kind.PARALLEL


def targets_of(
    names: Iterable[str], states: Mapping[str, Described], asking: Described | Arrow
) -> list[Described]:
    """Return the states of some ids.

    Raises:
        DocumentRefused: There is no such state.
    """
    found = []
    for name in names:
        if name not in states:
            like = nearest(name, states)
            hint = f"did you mean {like!r}?" if like else "name a state of the document"
            raise asking.place.refused(f"it leads to {name!r}, and there is no such state: {hint}")
        found.append(states[name])
    return found


def is_internal(arrow: Arrow, state: Described, states: Mapping[str, Described]) -> bool:
    """Return whether a transition does not leave its source, as SCXML says it."""
    targets = targets_of(arrow.targets, states, arrow)
    compound = state.kind is Kind.STATE and bool(state.states)
    return (
        arrow.internal and compound and bool(targets) and all(target.is_within(state) for target in targets)
    )


def _check(state: Described, states: Mapping[str, Described]) -> None:
    if state.kind is Kind.PARALLEL and not state.states:
        raise state.place.refused(f"{state.id!r} is parallel and has no state within it: add its regions")
    if state.initial and (state.kind is not Kind.STATE or not state.states):
        raise state.place.refused(f"{state.id!r} has an initial state, but none within it: take it away")
    for target in targets_of(state.initial, states, state):
        if not target.is_within(state):
            raise state.place.refused(f"the initial state {target.id!r} is not within {state.id!r}")
    for arrow in state.arrows:
        targets = targets_of(arrow.targets, states, arrow)
        if state.remembers and (arrow.events or arrow.guards or not targets):
            raise arrow.place.refused(
                f"the transition of the history {state.id!r} needs a target, and nothing else"
            )
        if not (arrow.events or arrow.guards or targets):
            raise arrow.place.refused("the transition has neither event, condition nor target: give one")
    if any(states[name].remembers and not states[name].arrows for name in state.initial):
        raise state.place.refused(
            f"{state.id!r} begins in a history state without a transition: give it one, for the first time"
        )
    if state.remembers and len(state.arrows) > 1:
        raise state.place.refused(f"the history {state.id!r} has several transitions: leave one")
