"""Drivers of charts with states within states, history and timers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from statechart import Chart, Configuration, State, Timer
from statechart.errors import IllegalConfiguration, UnknownState
from statechart.testing import Driver
from tests.statechart.testing.nested.orders import Model, Order, Reminder

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_states_are_named_together_in_any_order() -> None:
    order = Driver(Order, state="packed+authorised")

    assert order.state == "authorised + packed"
    order.expect("authorised + packed").expect("packed + authorised")
    order.expect_active("open", Order.open.payment).expect_inactive("paused", Order.draft)


def test_a_state_around_others_begins_with_its_initial_states_and_timers() -> None:
    order = Driver(Order, state=Order.open, now=NOON)

    assert order.state == "awaiting + packing"
    assert order.timers == {"awaiting.expire": NOON + timedelta(minutes=30)}


def test_time_passes_only_when_it_is_told_to() -> None:
    order = Driver(Order, now=NOON).fire("place").elapse(timedelta(minutes=29)).expect("awaiting + packing")

    order.elapse(timedelta(minutes=1)).expect("expired")

    assert order.now == NOON + timedelta(minutes=30)
    assert [(each.timer, each.due) for each in order.transitions[1:]] == [("awaiting.expire", order.now)]


def test_timers_fire_at_their_deadlines_in_their_order() -> None:
    reminder = Driver(Reminder, now=NOON).elapse(timedelta(hours=6))

    assert [each.timer for each in reminder.transitions] == [
        *("waiting.ask", "asked.wake", "waiting.ask", "asked.wake")
    ]
    assert [each.at for each in reminder.transitions] == [NOON + timedelta(hours=n) for n in (1, 3, 4, 6)]


def test_a_timer_is_waited_for_by_its_name() -> None:
    assert Driver(Order, state="paused").elapse("paused.expire").state == "cancelled"

    with pytest.raises(AssertionError, match=r"paused\.expire does not run in draft: running is none"):
        Driver(Order).elapse("paused.expire")
    with pytest.raises(AssertionError, match="time can't go back"):
        Driver(Order).elapse(timedelta(minutes=-1))


def test_timers_without_an_end_are_an_error() -> None:
    with pytest.raises(AssertionError, match="more than 1000 timers fired"):
        Driver(Reminder).elapse(timedelta(days=1000))


def test_history_is_given_and_shown() -> None:
    order = Driver(Order, state="paused", remembers={"where_it_was": "packed + authorised"})

    assert order.history == {"where_it_was": "authorised + packed"}
    order.fire("resume").expect("authorised + packed")
    with pytest.raises(IllegalConfiguration, match="can't remember authorised"):
        Driver(Order, state="paused", remembers={"where_it_was": "authorised"})
    with pytest.raises(IllegalConfiguration, match="the history 'there', which the chart does not have"):
        Driver(Order, remembers={"there": "authorised"})


def test_states_that_can_not_be_are_refused() -> None:
    with pytest.raises(IllegalConfiguration, match="are active instead of one"):
        Driver(Order, state="awaiting + authorised")
    with pytest.raises(UnknownState, match="did you mean 'packed'"):
        Driver(Order, state="awaiting + paked")


def test_an_expectation_names_all_states() -> None:
    order = Driver(Order, state="awaiting + packing")

    with pytest.raises(AssertionError, match="open has states within: use expect_active"):
        order.expect("open")
    with pytest.raises(
        AssertionError, match=r"awaiting is active with others, such as awaiting \+ packing"
    ):
        order.expect("awaiting")
    with pytest.raises(AssertionError, match=r"it is awaiting \+ packing, not paused, after no event"):
        order.expect("paused")
    with pytest.raises(AssertionError, match=r"open is active: it is awaiting \+ packing"):
        order.expect_inactive(Order.open)
    with pytest.raises(AssertionError, match=r"paused is not active: it is awaiting \+ packing"):
        order.expect_active("paused")


def test_the_story_tells_of_timers() -> None:
    with pytest.raises(
        AssertionError, match=r"it is expired, not done, after place, awaiting\.expire fired"
    ):
        Driver(Order).fire("place").elapse(timedelta(hours=1)).expect("done")


@pytest.mark.parametrize("state", [None, "asked"])
def test_models_of_any_kind_begin_with_their_timers(state: str | None) -> None:
    driver = Driver(Reminder, state=state, now=NOON)
    hours = 1 if state is None else 2

    assert isinstance(driver.model, SimpleNamespace)
    assert list(driver.timers.values()) == [NOON + timedelta(hours=hours)]


def test_a_model_whose_state_has_no_default_begins() -> None:
    class Required(Model, frozen=True):
        state: Configuration
        hours: int = 3

    class Late(Chart[Required]):
        early = State(initial=True)
        late = State(final=True)
        be_late = early.to(late)
        timers = (Timer(early, after=lambda model: timedelta(hours=model.hours), event=be_late),)

    assert Driver(Late, now=NOON).timers == {"early.be_late": NOON + timedelta(hours=3)}
    assert Driver(Late, now=NOON, hours=5).timers == {"early.be_late": NOON + timedelta(hours=5)}


def test_a_configuration_is_taken_as_it_is() -> None:
    awaiting = Configuration.of(Order, "awaiting")

    assert Driver(Order, state=awaiting).timers == {}


def test_a_timer_that_the_chart_does_not_have_is_an_error_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"has no timer 'paused\.expier': did you mean 'paused\.expire'"):
        Driver(Order).elapse("paused.expier")
    with pytest.raises(TypeError, match="30 is no time: give a timedelta, or the name of a timer"):
        Driver(Order).elapse(30)  # type: ignore[arg-type]
