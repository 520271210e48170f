"""Count the macrosteps of a chart with states within states, timers, or events that it raises itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from statechart.configuration import JOINED
from statechart.testing.coverage.texts import (
    cell_item,
    edge_item,
    guard_item,
    history_item,
    pair_item,
    timer_item,
)
from statechart.testing.nested.edges import AnyChart, table_of, taken, text_of

if TYPE_CHECKING:
    from statechart.engine.hooks import FiredEvent, Microstep
    from statechart.testing.coverage.items import Covered


def meet(covered: Covered, attempt: FiredEvent, test: str, before: dict[str, str]) -> None:
    """Count a macrostep.

    Args:
        before: The transition by which the machine entered each state that is active, by text; changed to
            what is so afterwards.
    """
    chart: AnyChart = attempt.chart
    table, form = table_of(chart), chart._form
    # A machine that begins comes from nowhere.
    active = form.entered(form.number(leaf) for leaf in attempt.leaves) if attempt.leaves else 0
    shown = form.texts(active)
    for text in shown:
        covered.meet("states", text, test)
    covered.meet("configurations", attempt.from_state, test)
    for guard, agrees in (*attempt.guards.items(), *attempt.later):
        covered.meet("guards", guard_item(guard, agrees), test)
    if attempt.to_state is None:
        if attempt.timer is None and not table.candidates(active, attempt.event):
            for leaf in attempt.leaves:
                covered.meet("refused", cell_item(leaf, attempt.event), test)
        return
    covered.meet("configurations", attempt.to_state, test)
    if attempt.timer is not None:
        covered.meet("timers", timer_item(attempt.timer, "fired"), test)
    for timer in attempt.cancelled:
        covered.meet("timers", timer_item(timer, "cancelled"), test)
    for text in before.keys() - set(shown):  # another machine of the same name was elsewhere
        del before[text]
    earlier: list[str] = []
    for step in attempt.steps:
        earlier += _meet_step(covered, chart, step, test, before, earlier)


def _meet_step(
    covered: Covered,
    chart: AnyChart,
    step: Microstep,
    test: str,
    before: dict[str, str],
    earlier: list[str],
) -> list[str]:
    """Count a microstep after earlier ones, and return its transitions."""
    for text in step.entered:
        covered.meet("states", text, test)
    for memory, remembered in step.recalled:
        covered.meet("history", history_item(memory, remembered), test)
    items = {edge_item(*told): told for told in taken(step)}
    for item, (source, event, target) in items.items():
        covered.meet("transitions", item, test)
        # Those that can't follow on each other are not among the pairs, and ignored.
        for first in dict.fromkeys([before.get(source, ""), *earlier]):
            covered.meet("pairs", pair_item(first, event, target), test)
    for text in step.exited:
        before.pop(text, None)
    for text in step.entered:
        before[text] = _entering(chart, text, items)
    return list(items)


def _entering(chart: AnyChart, text: str, items: Mapping[str, tuple[str, str, str]]) -> str:
    """Return the transition of a microstep that entered a state."""
    if len(items) > 1:
        nodes = {text_of(node): node for node in table_of(chart).nodes}
        near = {nodes[text].number, *nodes[text].ancestors}
        for item, (_, _, targets) in items.items():
            ends = [nodes[target] for target in targets.split(JOINED)]
            if any(end.number in near or nodes[text].number in end.ancestors for end in ends):
                return item
    return next(iter(items), "")
