"""The outcomes of events on a configuration, for all answers that guards may give."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from statechart.engine.nested.form import Form, Standing
from statechart.engine.table import Plan, Table, Way
from statechart.wording import state_text

if TYPE_CHECKING:
    from statemachine import StateChart

MOST: Final = 512
"""The most selections and configurations that are looked at for an event."""


class TooMany(Exception):
    """The guards of an event have too many possible answers to look at each."""


def table_of(chart: type[StateChart]) -> Table | None:  # type: ignore[type-arg]  # of any model
    """Return the table of a chart whose events take macrosteps, or None."""
    found: Table | None = vars(chart).get("_table")
    return found if getattr(chart, "_is_stepwise", False) else None


def selections(
    table: Table, active: int, event: str | None, history: Mapping[int, int]
) -> tuple[tuple[Way, ...], ...]:
    """Return the sets of transitions that an event may take, the one in which all guards agree first.

    The last is empty if all transitions may be refused.

    Raises:
        TooMany: There are more than `MOST`.
    """
    chains = table.candidates(active, event)
    found: dict[tuple[Way, ...], None] = {}
    looked = 0

    def choose(chain: int, answers: dict[int, bool], chosen: tuple[Way, ...]) -> None:
        nonlocal looked
        looked += 1
        if looked > MOST:
            raise TooMany
        if chain == len(chains):
            found[table.without_conflicts(active, chosen, history)] = None
            return
        agreed = dict(answers)
        for way in chains[chain]:
            if agreed.get(way.number, True):
                choose(chain + 1, {**agreed, way.number: True}, (*chosen, way))
            if not list(way.transition.cond) or agreed.get(way.number):
                return
            agreed[way.number] = False
        choose(chain + 1, agreed, chosen)

    choose(0, {}, ())
    return tuple(found)


def resting(table: Table, standing: Standing, event: str) -> tuple[Standing, ...]:
    """Return where an event may lead, the likeliest first, without timers; nothing if nothing takes it.

    Events that hooks raise are not known.

    Raises:
        TooMany: There are more than `MOST` configurations on the ways.
    """
    found: dict[tuple[int, tuple[tuple[int, int], ...]], Standing] = {}
    seen: set[tuple[int, tuple[tuple[int, int], ...], tuple[str, ...]]] = set()
    waiting: deque[tuple[Standing, tuple[str, ...]]] = deque()

    def follow(here: Standing, raised: tuple[str, ...], plan: Plan) -> None:
        there = after(here, plan)
        raised = (*raised, *done_events(table, plan))
        key = (there.active, tuple(sorted(there.history.items())), raised)
        if key not in seen:
            seen.add(key)
            waiting.append((there, raised))
        if len(seen) > MOST:
            raise TooMany

    for ways in selections(table, standing.active, event, standing.history):
        if ways:
            follow(standing, (), table.plan(standing.active, ways, standing.history))
    while waiting:
        here, raised = waiting.popleft()
        for ways in selections(table, here.active, None, here.history):
            if ways:
                follow(here, raised, table.plan(here.active, ways, here.history))
                continue
            if not raised:
                found.setdefault((here.active, tuple(sorted(here.history.items()))), here)
                continue
            for taken in selections(table, here.active, raised[0], here.history):
                plan = table.plan(here.active, taken, here.history)
                follow(here, raised[1:], plan)
    return tuple(found.values())


def after(standing: Standing, plan: Plan) -> Standing:
    """Return where a microstep leads, with the timers as before."""
    history = {**standing.history, **plan.remembered} if plan.remembered else standing.history
    return Standing(plan.configuration, history, standing.timers)


def done_events(table: Table, plan: Plan) -> Iterator[str]:
    """Yield the events that a microstep raises, since final states are entered."""
    for node, _ in plan.entries:
        yield from table.done_events(node, plan.configuration)


def targets(chart: type[StateChart], state: object, event: str) -> tuple[str, ...]:  # type: ignore[type-arg]
    """Return the texts of the configurations that an event may lead to from a state of a value.

    Where guards have too many possible answers, they are the states that transitions name.

    Raises:
        UnknownState: The chart can't be in the state.
    """
    table = table_of(chart)
    form: Form | None = getattr(chart, "_form", None)
    if table is None or form is None:
        return ()
    standing = form.read(state)
    try:
        return tuple(dict.fromkeys(form.text(each.active) for each in resting(table, standing, event)))
    except TooMany:
        ways = (way for chain in table.candidates(standing.active, event) for way in chain)
        return tuple(
            dict.fromkeys(state_text(table.nodes[each].state.value) for way in ways for each in way.targets)
        )
