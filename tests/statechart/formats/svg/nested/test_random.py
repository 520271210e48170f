"""Pictures of random charts with states within states: all in its place, each transition once."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from statemachine import StateChart

from statechart.formats.svg.choice import plan
from statechart.picture import Marks, Picture, compose
from tests.statechart.formats.svg.overlaps import overlaps
from tests.statechart.oracles.built import Built
from tests.statechart.oracles.declared import Declared
from tests.statechart.oracles.nested_charts import nested_charts

# A chart with dozens of states takes seconds for each step of its reduction.
UNHURRIED = settings(deadline=None, suppress_health_check=[*HealthCheck], phases=[Phase.generate])
WIDTHS = (1280.0, 300.0)


def picture(chart: Declared) -> Picture:
    return compose(Built(chart, StateChart).cls, Marks())


def faults(picture: Picture) -> list[str]:
    plans = [plan(picture, upright=True), *(plan(picture, width=width) for width in WIDTHS)]
    return [said for each in plans for said in overlaps(picture, each)]


@settings(UNHURRIED, max_examples=8)
@given(chart=nested_charts())
def test_nothing_overlaps(chart: Declared) -> None:
    assert faults(picture(chart)) == []


@pytest.mark.soak
@settings(UNHURRIED, max_examples=1000)
@given(chart=nested_charts())
def test_nothing_overlaps_in_many_charts(chart: Declared) -> None:
    assert faults(picture(chart)) == []
