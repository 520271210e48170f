"""On random charts, what the tools expect of a chart is what its machines do."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, Phase, assume, given, settings

from statechart import Chart
from statechart.engine.hooks import watching
from statechart.errors import ChartDefinitionError
from statechart.testing import Driver, matrix
from statechart.testing.coverage.counting import Coverage
from statechart.testing.coverage.items import Covered, packed, reference_of, unpacked
from statechart.testing.exploring import choices
from statechart.testing.nested.configurations import resting
from statechart.testing.nested.declared import declared
from statechart.testing.nested.edges import is_stepwise, taken, told_of
from statechart.testing.nested.exploring import MacrostepExploration
from statechart.testing.nested.outline import Outline
from tests.statechart.oracles.built import Built
from tests.statechart.oracles.declared import Declared
from tests.statechart.oracles.nested_charts import nested_charts

QUICK = settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=6,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)


class Whole(MacrostepExploration):
    """An exploration that ends with the last configuration only."""

    def _other_goals(self) -> Any:
        yield from super()._other_goals()
        yield ("no step meets this",)


def built(drawn: Declared) -> Any:
    """Return the class of a drawn chart, without its guards."""
    ways = tuple(replace(way, conditions=()) for way in drawn.ways if way.events)
    try:
        with warnings.catch_warnings(action="ignore"):
            chart = Built(replace(drawn, ways=ways, callbacks=()), Chart).cls
    except ChartDefinitionError:  # it never rests, for example
        chart = None
    assume(chart is not None and is_stepwise(chart))
    return chart


@settings(QUICK)
@given(nested_charts())
def test_configurations_are_those_that_machines_rest_in(drawn: Declared) -> None:
    chart = built(drawn)

    explored = Whole(chart, None, choices(chart, None))

    expected = resting(chart)
    assert expected.is_whole
    rested = {driver.state for driver in explored._drivers.values()}
    assert rested == {chart._form.text(mask) for mask in expected.masks}


@settings(QUICK)
@given(nested_charts())
def test_steps_are_explained_by_what_they_left_and_entered(drawn: Declared) -> None:
    chart = built(drawn)
    outline = unpacked(packed(Outline(chart)))
    explored = Whole(chart, None, choices(chart, None))

    for step in explored.steps[:100]:
        driver = explored._again(step.before)
        standing = chart._form.read(driver.model.state)
        active, history = standing.active, dict(standing.history)
        transition = driver.fire(step.event).transitions[0]
        declared(chart).check(transition)
        for each in transition.steps:
            found = outline.explain(active, history, each.event, set(each.exited), set(each.entered))
            assert found is not None
            ways, plan = found
            assert len({told_of(outline, way, each.event) for way in ways}) == len(set(taken(each)))
            active, history = plan.configuration, {**history, **plan.remembered}
        assert active == chart._form.read(transition.to_value).active


@settings(QUICK)
@given(nested_charts())
def test_cells_meet_every_refusal(drawn: Declared) -> None:
    chart = built(drawn)
    coverage = Coverage()
    with watching(coverage.watch):
        coverage.begin("test")
        for cell in matrix(chart):
            if not cell.declared:  # the others may have no end
                cell.check()

    covered = coverage.charts.get(reference_of(chart)) or Covered.of(chart)

    assert covered.missing("refused") == []
    assert all(Driver(chart, state=text).state == text for text in covered.items["configurations"])
