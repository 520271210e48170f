"""The documented differences from python-statemachine, seen in both."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from statemachine import StateChart
from statemachine.exceptions import TransitionNotAllowed

from statechart import Chart, Event, InvalidTransition, NestedFire, State
from tests.statechart.oracles.test_corners import Strict


def door(base: Any) -> Any:
    class Door(base):
        shut = State(initial=True)
        open = State(final=True)
        push = Event(shut.to(open, cond="asked"))
        pull = Event(shut.to(shut, cond="broken"))

        def __init__(self, *arguments: Any) -> None:
            self.questions = 0
            super().__init__(*arguments)

        def asked(self, allowed: bool = True) -> bool:
            """Nobody asked."""
            self.questions += 1
            return allowed

        def broken(self) -> bool:
            raise OSError("broken")

        def on_push(self, model: Any, fails: str = "") -> str:
            model.count += 1
            if fails == "here":
                raise OSError(fails)
            return "pushed"

        def on_enter_open(self, fails: str = "") -> None:
            if fails == "inside":
                raise KeyboardInterrupt

        def after_push(self, fails: str = "") -> None:
            if fails == "after":
                raise OSError(fails)

        def on_exit_state(self, state: State) -> None:
            self.model.left = state

    return Door(SimpleNamespace(state=None, count=0))


def test_an_event_that_is_not_allowed_is_ignored_by_default() -> None:
    assert door(StateChart).send("push", allowed=False) is None
    with pytest.raises(TransitionNotAllowed):
        door(Strict).send("push", allowed=False)
    with pytest.raises(InvalidTransition, match="nobody asked"):
        door(Chart).send("push", allowed=False)


def test_data_of_an_event_that_fails_is_put_back() -> None:
    for base, left in ((Strict, 1), (Chart, 0)):
        machine = door(base)
        with pytest.raises(OSError, match="here"):
            machine.send("push", fails="here")
        assert (machine.model.state, machine.model.count) == ("shut", left)


def test_an_error_after_the_commit_is_logged_only() -> None:
    machine = door(Strict)
    with pytest.raises(OSError, match="after"):
        machine.send("push", fails="after")
    assert machine.model.state == "open"

    assert door(Chart).send("push", fails="after").to_state == "open"


def test_an_interrupted_entry_leaves_the_old_state() -> None:
    for base, state in ((Strict, "open"), (Chart, "shut")):
        machine = door(base)
        with pytest.raises(KeyboardInterrupt):
            machine.send("push", fails="inside")
        assert machine.model.state == state


def test_the_result_of_an_event_is_the_transition() -> None:
    assert door(Strict).send("push") == "pushed"
    assert door(Chart).send("push").event == "push"
    with pytest.raises(TypeError, match="keyword arguments"):
        door(Chart).send("push", True)


def test_guards_are_asked_again_for_the_reasons_of_a_refusal() -> None:
    for base, least in ((Strict, 1), (Chart, 2)):
        machine = door(base)
        with pytest.raises((TransitionNotAllowed, InvalidTransition)):
            machine.send("push", allowed=False)
        assert machine.questions >= least
        assert (machine.questions == 1) == (base is Strict)


def test_a_guard_that_raises_does_not_allow_its_event() -> None:
    assert [event.id for event in door(Strict).enabled_events()] == ["push", "pull"]
    assert [event.id for event in door(Chart).enabled_events()] == ["push"]


def test_a_hook_can_not_fire() -> None:
    class Nested(Chart[Any]):
        idle = State(initial=True)
        go = idle.to.itself()

        def on_go(self) -> None:
            self.fire(Nested.event("go"))

    with pytest.raises(NestedFire):
        Nested().fire(Nested.event("go"))


def test_an_event_that_a_hook_raises_joins_the_event() -> None:
    class Passing(Chart[Any]):
        idle = State(initial=True)
        there = State()
        back = State(final=True)
        go = idle.to(there)
        turn = there.to(back)

        def on_go(self) -> None:
            self.raise_("turn")

    transition = Passing().fire(Passing.event("go"))

    assert (transition.from_state, transition.to_state) == ("idle", "back")
    assert [step.event for step in transition.steps] == ["go", "turn"]


def test_a_recorded_final_state_is_the_end() -> None:
    for base, ended in ((Strict, False), (Chart, True)):
        opened = door(base)
        opened.send("push")
        assert type(opened)(SimpleNamespace(state="open", count=0)).is_terminated is ended


def test_exit_hooks_get_the_state_of_the_class() -> None:
    machine = door(Chart)
    machine.send("push")

    assert machine.model.left is type(machine).shut


def test_there_is_nothing_to_cancel_or_to_activate() -> None:
    machine = door(Chart)

    assert machine.cancel_event("any") is None
    assert machine.activate_initial_state() is None
