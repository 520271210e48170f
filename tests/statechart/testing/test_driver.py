"""The driver fires events, checks the results, and reports differences."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from environments.lifecycle import Lifecycle, Subject
from statechart import Chart, Event, State
from statechart.errors import InvalidTransition, UnknownEvent, UnknownState
from statechart.testing import Driver


class Gate(Chart):
    shut = State("shut", initial=True)
    open_ = State("open", value="OPEN")
    gone = State("gone", final=True)

    open = Event(shut.to(open_, cond="has_key"), name="open")
    close = Event(open_.to(shut), name="close")
    remove = Event(shut.to(gone), name="remove")

    def has_key(self, model: SimpleNamespace, code: str = "") -> bool:
        """The key is wrong."""
        return code == model.lock


def test_calls_of_a_driver_can_be_chained() -> None:
    gate = Driver(Gate, lock="blue")

    gate.refuses("open", because="the key is wrong").fire("open", code="blue").expect("OPEN").fire(
        Gate.close
    )

    assert gate.state == "shut"
    assert [taken.event for taken in gate.transitions] == ["open", "close"]
    assert gate.allowed == ("remove",)


def test_a_driver_begins_in_the_given_state() -> None:
    assert Driver(Gate, state="OPEN").allowed == ("close",)
    assert Driver(Lifecycle, state="released", run_under_way=True).fire("fail").state == "run_failed"
    assert Driver(Lifecycle, model=Subject(teardown_begun=True)).allowed == ("destroy",)


def test_events_follow_on_each_other() -> None:
    Driver(Lifecycle).follow("provision", "complete", Lifecycle.configure).expect("configuring")


def test_another_state_is_a_failure_that_tells_the_story() -> None:
    with pytest.raises(AssertionError, match="it is provisioning, not created, after provision"):
        Driver(Lifecycle).fire("provision").expect("created")


def test_an_event_that_is_allowed_is_not_refused() -> None:
    with pytest.raises(AssertionError, match="provision was allowed, and led from created to provisioning"):
        Driver(Lifecycle).refuses("provision")


def test_a_refusal_for_another_reason_is_a_failure() -> None:
    with pytest.raises(AssertionError, match=r"it was refused for another reason: .* the key is wrong"):
        Driver(Gate, lock="blue").refuses("open", because="too late")


def test_a_refused_event_raises_the_error_of_the_chart() -> None:
    with pytest.raises(InvalidTransition, match="cannot run"):
        Driver(Lifecycle).fire("run")


def test_a_typo_is_an_error_of_the_test() -> None:
    with pytest.raises(UnknownEvent, match="did you mean 'provision'"):
        Driver(Lifecycle).fire("provison")
    with pytest.raises(UnknownEvent, match="did you mean 'provision'"):
        Driver(Lifecycle).refuses("provison")
    with pytest.raises(UnknownState, match="did you mean 'created'"):
        Driver(Lifecycle).expect("craeted")
    with pytest.raises(UnknownState, match=r"did you mean 'OPEN'"):
        Driver(Gate, state="OPN")
