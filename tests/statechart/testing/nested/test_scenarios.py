"""Given, When, Then for charts with states within states, history and timers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from statechart.testing.scenarios import time

Run = Callable[[str], pytest.RunResult]

ORDERS = Path(__file__).with_name("orders.py").read_text(encoding="utf-8")

FEATURE = """
Feature: orders
  Background:
    Given the chart "orders:Order"

  Scenario: paid and shipped side by side
    Given the order is in "awaiting + packing"
    When "authorise" is fired
    And "pack" is fired
    Then the state is "packed + authorised"
    And "open" and "payment" are active
    And "paused" is not active
    And no timer runs
    And "ship" is refused because "not paid yet"
    And allowed is "capture", "unpack", "pause" and "cancel"

  Scenario: nobody pays
    Given it is in state "open"
    When 29 minutes pass
    Then "awaiting.expire" is due in 1 minute
    When 1.5 minutes pass
    Then the state is "expired"
    And "where_it_was" remembers "awaiting + packing"
    And allowed is nothing

  Scenario: a pause
    Given it is in state "paused"
    And "where_it_was" remembers "paid + packed"
    When 6 days and 23 hours pass
    And "resume" is fired
    Then the state is "paid + packed"

  Scenario: a pause without an end
    Given it is in state "paused"
    When the timer "paused.expire" is due
    Then the state is "cancelled"
"""

FAILING = """
Feature: orders
  Background:
    Given the chart "orders:Order"
    And it is in state "open"

  Scenario: active
    Then "paused" is active

  Scenario: inactive
    Then "payment" is not active

  Scenario: due
    Then "awaiting.expire" is due in 1 hour

  Scenario: not due
    Then "paused.expire" is due in 1 hour

  Scenario: no timer
    Then no timer runs

  Scenario: history
    Then "where_it_was" remembers "awaiting + packing"

  Scenario: until
    When the timer "paused.expire" is due

  Scenario: state
    Then the state is "open"
"""

MISTAKES = """
Feature: orders
  Scenario: mistakes
    Given the chart "orders:Order"
    And it is in state "awaiting + authorised"
    And "where_it_is" remembers "awaiting + packing"
    And "where_it_was" remembers "paused"
    When 31 parsecs pass
    Then "paymnt" is active
    And "awaiting.expires" is due in 3 minutes
"""


@pytest.fixture
def feature(pytester: pytest.Pytester) -> Run:
    def run(text: str) -> pytest.RunResult:
        pytester.makeini("[pytest]\npythonpath = .\n")
        pytester.makepyfile(
            orders=ORDERS, test_feature="from pytest_bdd import scenarios\nscenarios('orders.feature')"
        )
        (pytester.path / "orders.feature").write_text(text)
        return pytester.runpytest_inprocess("-p", "no:cacheprovider")

    return run


def test_scenarios_name_configurations_time_and_history(feature: Run) -> None:
    result = feature(FEATURE)

    result.assert_outcomes(passed=4)


def test_a_step_that_fails_tells_why(feature: Run) -> None:
    result = feature(FAILING)

    result.assert_outcomes(failed=8)
    said = result.stdout.str()
    for told in (
        'Then "paused" is active: paused is not active: it is awaiting + packing, after no event',
        'Then "payment" is not active: payment is active: it is awaiting + packing, after no event',
        'Then "awaiting.expire" is due in 1 hour: awaiting.expire is due in 0:30:00',
        "is due in 1 hour: paused.expire does not run: running is awaiting.expire",
        "Then no timer runs: running is awaiting.expire",
        "where_it_was remembers nothing",
        "the timer paused.expire does not run in awaiting + packing: running is awaiting.expire",
        "open has states within: use expect_active, or name the states within",
    ):
        assert told in said, told


def test_names_are_checked_before_any_scenario_runs(feature: Run) -> None:
    result = feature(MISTAKES)

    result.assert_outcomes(errors=1)
    said = result.stdout.str()
    for told in (
        "orders.feature:5: And it is in state",
        "Order can't be in awaiting + authorised + packing",
        "Order has no history state 'where_it_is': did you mean 'where_it_was'?",
        "its history 'where_it_was' can't remember paused",
        "orders.feature:8: When 31 parsecs pass: expected a time like `31 minutes`",
        "Order has no state 'paymnt': did you mean 'payment'?",
        "Order has no timer 'awaiting.expires': did you mean 'awaiting.expire'?",
    ):
        assert told in said, told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("31 minutes", timedelta(minutes=31)),
        ("1 hour", timedelta(hours=1)),
        ("1 day, 2 hours and 0.5 seconds", timedelta(days=1, hours=2, seconds=0.5)),
        ("2 weeks", timedelta(weeks=2)),
    ],
)
def test_a_time_is_written_in_words(text: str, expected: timedelta) -> None:
    assert time(text) == expected


@pytest.mark.parametrize(
    "text", ["", "minutes", "31", "1 year", "1 hour 2 minutes", "-1 hours", "1 hour and"]
)
def test_another_form_of_a_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time like"):
        time(text)
