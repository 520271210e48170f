"""The transitions that an event may take in a configuration, for all answers that guards may give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from statechart.engine.nested.form import Standing
from statechart.engine.table import Plan, Table, Way

MOST: Final = 512
"""The most selections that are looked at for an event."""


class TooMany(Exception):
    """The guards of an event have too many possible answers to look at each."""


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


def after(standing: Standing, plan: Plan) -> Standing:
    """Return where a microstep leads, with the timers as before."""
    history = {**standing.history, **plan.remembered} if plan.remembered else standing.history
    return Standing(plan.configuration, history, standing.timers)
