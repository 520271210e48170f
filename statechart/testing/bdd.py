"""The steps of Given/When/Then, for pytest-bdd: any scenario can use them, for any chart.

Given the chart "shop.orders:OrderChart"
And it is in state "draft"
And its amount is 3
When "pay" is fired with by "ann"
Then the state is "paid"
And "pay" is refused because "paid already"
And allowed is "ship" and "cancel"

With states within states, history and timers:

Given the order is in "awaiting + packing"
When 31 minutes pass
Then "open" is not active
And "where_it_was" remembers "awaiting + packing"
And no timer runs
"""

from __future__ import annotations

import pytest
from pytest_bdd import given, parsers, then, when

from statechart.configuration import typed_states
from statechart.testing import scenarios
from statechart.testing.driver import are, require
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


@given(parsers.re(STEPS["history"]))
def _history(statechart_stage: Stage, history: str, remembered: str) -> None:
    statechart_stage.remembers[history] = remembered


@when(parsers.re(STEPS["time"]))
def _time(statechart_stage: Stage, time: str) -> None:
    statechart_stage.driver.elapse(scenarios.time(time))


@when(parsers.re(STEPS["until"]))
def _until(statechart_stage: Stage, timer: str) -> None:
    statechart_stage.driver.elapse(timer)


@when(parsers.re(STEPS["fired"]))
def _fired(statechart_stage: Stage, event: str) -> None:
    statechart_stage.driver.fire(event)


@when(parsers.re(STEPS["fired with"]))
def _fired_with(statechart_stage: Stage, event: str, payload: str) -> None:
    statechart_stage.driver.fire(event, **scenarios.payload(payload))


@then(parsers.re(STEPS["is"]))
def _is(statechart_stage: Stage, state: str) -> None:
    statechart_stage.driver.expect(state)


@then(parsers.re(STEPS["active"]))
def _active(statechart_stage: Stage, states: str) -> None:
    statechart_stage.driver.expect_active(*scenarios.names(states))


@then(parsers.re(STEPS["inactive"]))
def _inactive(statechart_stage: Stage, states: str) -> None:
    statechart_stage.driver.expect_inactive(*scenarios.names(states))


@then(parsers.re(STEPS["history"]))
def _remembers(statechart_stage: Stage, history: str, remembered: str) -> None:
    held = statechart_stage.driver.history.get(history, "nothing")
    chart = type(statechart_stage.driver.machine)
    wanted, found = (sorted(typed_states(chart, text)) for text in (remembered, held))
    require(wanted == found, f"{history} remembers {held}")


@then(parsers.re(STEPS["due"]))
def _due(statechart_stage: Stage, timer: str, time: str) -> None:
    driver = statechart_stage.driver
    require(timer in driver.timers, f"{timer} does not run: running {are(list(driver.timers))}")
    left = driver.timers[timer] - driver.now
    require(left == scenarios.time(time), f"{timer} is due in {left}")


@then(parsers.re(STEPS["no timer"]))
def _no_timer(statechart_stage: Stage) -> None:
    running = list(statechart_stage.driver.timers)
    require(not running, f"running {are(running)}")


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
