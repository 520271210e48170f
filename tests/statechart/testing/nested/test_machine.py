"""The Hypothesis machine of charts with states within states, history and timers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from statechart import Chart, Microstep, State, Transition
from statechart.errors import IllegalConfiguration, InvalidTransition
from statechart.testing import ChartMachine, Driver, state_machine
from statechart.testing.nested.declared import declared
from tests.statechart.testing.nested.orders import Order, Reminder

QUICK = settings(
    derandomize=True,
    max_examples=40,
    stateful_step_count=12,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def test_events_are_fired_and_refused_and_time_passes() -> None:
    seen: Counter[str] = Counter()

    class Orders(state_machine(Order)):  # type: ignore[misc]
        def fired(self, transition: Transition) -> None:
            seen[transition.timer or transition.event] += 1

        def refused(self, event: str) -> None:
            seen[f"no {event}"] += 1

    run_state_machine_as_test(Orders, settings=QUICK)  # type: ignore[no-untyped-call]

    assert {"place", "cancel", "awaiting.expire", "no ship", "no resume"} <= seen.keys()


def test_a_timer_of_an_internal_event_is_waited_for() -> None:
    seen: set[str | None] = set()

    class Reminders(state_machine(Reminder)):  # type: ignore[misc]
        def fired(self, transition: Transition) -> None:
            seen.add(transition.timer)

    run_state_machine_as_test(Reminders, settings=QUICK)  # type: ignore[no-untyped-call]

    assert seen == {"waiting.ask", "asked.wake", None}


def test_the_shortest_way_to_a_failure_lets_timers_fire() -> None:
    class Broken(state_machine(Reminder)):  # type: ignore[misc]
        def fired(self, transition: Transition) -> None:
            assert transition.timer != "asked.wake"

    case = Broken.TestCase
    case.settings = settings(QUICK, max_examples=100)
    with pytest.raises(AssertionError) as failed:
        case("runTest").runTest()

    assert failed.value.__notes__[-1] == (
        "The shortest events that fail like this: waiting.ask, asked.wake"
    )


def machine(chart: type[Chart]) -> ChartMachine:
    return state_machine(chart)()


def test_an_event_that_is_refused_without_a_guard_is_a_failure() -> None:
    orders = machine(Order)

    def refuse(event: object, **_payload: object) -> None:
        raise InvalidTransition(chart="Order", event=str(event), subject=None, state="", allowed=())

    orders.driver.fire = refuse  # type: ignore[assignment, method-assign]
    with pytest.raises(AssertionError, match="place was refused in draft, though it is declared there"):
        orders.fire("place")
    orders.fire("ship")


def test_time_that_passes_is_checked() -> None:
    reminders = machine(Reminder)

    reminders.elapse(timedelta(hours=2))
    reminders.elapse("asked.wake")

    assert [each.timer for each in reminders.driver.transitions] == ["waiting.ask", "asked.wake"]


PLACED = Driver(Order).fire("place").transitions[0]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ((), "the steps of place lead to draft, not to awaiting [+] packing"),
        (
            (replace(PLACED.steps[0], taken=(("draft", ("paused",)),)),),
            "draft --place--> paused was taken, which the chart does not declare",
        ),
        (
            (replace(PLACED.steps[0], taken=(("paused", ("cancelled",)),), event="cancel"),),
            "paused --cancel--> cancelled was taken, and paused was not active",
        ),
        (
            (*PLACED.steps, Microstep("authorise", ("awaiting",), ("authorised",))),
            "the steps of place lead to authorised [+] packing, not to awaiting [+] packing",
        ),
    ],
)
def test_steps_that_do_not_fit_are_a_failure(steps: tuple[Microstep, ...], said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        declared(Order).check(replace(PLACED, followed=replace(PLACED.followed, steps=steps)))


def test_a_configuration_that_can_not_be_is_a_failure() -> None:
    assert PLACED.after is not None
    lost = PLACED.after.model_copy(update={"active": ("awaiting",)})

    with pytest.raises(IllegalConfiguration, match="without its shipment"):
        declared(Order).check(replace(PLACED, to_value=lost))


def test_an_event_of_an_eventless_chart_is_checked() -> None:
    class Relay(Chart):
        off = State(initial=True)
        warm = State()
        on = State(final=True)
        press = off.to(warm)
        warm.to(on)

    relay = machine(Relay)

    relay.fire("press")

    assert relay.driver.state == "on"
