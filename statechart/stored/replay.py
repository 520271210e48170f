"""Compare a recorded transition with the chart as it is declared today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from statechart.graph import edges
from statechart.wording import listed

if TYPE_CHECKING:
    from statechart.chart import Chart

Targets: TypeAlias = Mapping[tuple[str, str], tuple[str, ...]]
"""The states that an event leads to, by source and event."""


def targets_of(chart: type[Chart]) -> Targets:
    """Return the states that each event of a chart leads to, by source and event."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for edge in edges(chart):
        key = edge.source, edge.name
        found[key] = (*found.get(key, ()), edge.target)
    return found


def said(event: str, from_state: str, to_state: str) -> str:
    """Return a transition in words."""
    return f"{event}: {from_state} → {to_state}"


def transition_problem(
    event: str, from_state: str, to_state: str, *, before: str, after: str, targets: Targets
) -> str | None:
    """Return why a recorded transition does not fit its history or today's chart, or None.

    Args:
        event: The event of the record.
        from_state: The state that the transition left, by the record.
        to_state: The state that the transition entered, by the record.
        before: The state of the value before the record.
        after: The state of the value of the record.
        targets: The transitions of today's chart.
    """
    taken = said(event, from_state, to_state)
    if from_state != before:
        return f"{taken}, but the state before it was {before}"
    if to_state != after:
        return f"{taken}, but the state after it is {after}"
    leads = targets.get((from_state, event))
    if leads is None:
        return f"{taken}, which today's chart does not have"
    if to_state not in leads:
        return f"{taken}, which leads to {listed(leads)} in today's chart"
    return None
