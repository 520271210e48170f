"""The steps of Given/When/Then, for pytest-bdd: any scenario can use them, for any chart.

Given the chart "shop.orders:OrderChart"
And it is in state "draft"
And its amount is 3
When "pay" is fired with by "ann"
Then the state is "paid"
And "pay" is refused because "paid already"
And allowed is "ship" and "cancel"
"""

from __future__ import annotations

import pytest
from pytest_bdd import given, parsers, then, when

from statechart.testing import scenarios
from statechart.testing.driver import require
from statechart.testing.scenarios import STEPS, Stage


@pytest.fixture
def statechart_stage(request: pytest.FixtureRequest) -> Stage:
    """The stage of a scenario."""
    return Stage(str(request.config.getini("statechart")), request.config.rootpath)


@given(parsers.re(STEPS["chart"]))
def _chart(statechart_stage: Stage, reference: str) -> None:
    statechart_stage.reference = reference


@given(parsers.re(STEPS["in state"]))
def _in_state(statechart_stage: Stage, state: str) -> None:
    statechart_stage.state = state


@given(parsers.re(STEPS["fact"]))
def _fact(statechart_stage: Stage, fact: str, value: str) -> None:
    statechart_stage.facts[fact] = scenarios.value(value)


@when(parsers.re(STEPS["fired"]))
def _fired(statechart_stage: Stage, event: str) -> None:
    statechart_stage.driver.fire(event)


@when(parsers.re(STEPS["fired with"]))
def _fired_with(statechart_stage: Stage, event: str, payload: str) -> None:
    statechart_stage.driver.fire(event, **scenarios.payload(payload))


@then(parsers.re(STEPS["is"]))
def _is(statechart_stage: Stage, state: str) -> None:
    statechart_stage.driver.expect(state)


@then(parsers.re(STEPS["refused"]))
def _refused(statechart_stage: Stage, event: str) -> None:
    statechart_stage.driver.refuses(event)


@then(parsers.re(STEPS["refused because"]))
def _refused_because(statechart_stage: Stage, event: str, reason: str) -> None:
    statechart_stage.driver.refuses(event, because=reason)


@then(parsers.re(STEPS["allowed"]))
def _allowed(statechart_stage: Stage, events: str) -> None:
    allowed, expected = statechart_stage.allowed_events(), scenarios.names(events)
    require(sorted(allowed) == sorted(expected), f"allowed is {', '.join(allowed) or 'nothing'}")
