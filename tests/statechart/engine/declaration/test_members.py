"""Members of a chart that replace or hide one another are refused with the class."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import wraps
from typing import Any, overload

import pytest
from statemachine.states import States

from statechart import Chart, ChartDefinitionError, Event, State

# ruff: noqa: F811  # the mistakes


def a_state_twice() -> None:
    class Made(Chart):
        on = State(initial=True)
        on = State(initial=True)
        off = State(final=True)
        stop = Event(on.to(off))


def an_event_twice() -> None:
    class Made(Chart):
        on = State(initial=True)
        dim = State()
        off = State(final=True)
        stop = Event(on.to(dim))
        both = Event(stop._transitions)  # keeps the lost transition alive
        stop = Event(dim.to(off))


def a_guard_twice() -> None:
    class Made(Chart):
        on = State(initial=True)
        off = State(final=True)
        stop = Event(on.to(off, cond="is_ok"))

        def is_ok(self) -> bool:
            return False

        def is_ok(self) -> bool:
            return True


def a_method_after_an_event() -> None:
    class Made(Chart):
        on = State(initial=True)
        off = State(final=True)
        stop = Event(on.to(off))

        def stop(self) -> None: ...


def an_event_after_a_method() -> None:
    class Made(Chart):
        def stop(self) -> None: ...

        on = State(initial=True)
        off = State(final=True)
        stop = on.to(off)


def an_event_after_a_state() -> None:
    class Made(Chart):
        on = State(initial=True)
        off = State(final=True)
        off = Event(on.to(off))


def an_attribute_after_a_guard() -> None:
    class Made(Chart):
        on = State(initial=True)
        off = State(final=True)
        stop = Event(on.to(off, cond="is_ok"))

        @property
        def is_ok(self) -> bool:
            return False

        is_ok = True


def an_event_with_an_id() -> None:
    class Made(Chart):
        on = State(initial=True)
        off = State(final=True)
        stop = Event(on.to(off), id="halt")

        def halt(self) -> None: ...


def a_state_of_an_enum() -> None:
    class Made(Chart):
        states = States.from_enum(Enum("Switch", "on off"), initial=Enum("Switch", "on off").on)
        stop = Event(states.on.to(states.off) | states.off.to(states.on))

        @property
        def off(self) -> None: ...


def two_decorated_hooks() -> None:
    class Made(Chart):
        on = State(initial=True)
        off = State(final=True)
        stop = Event(on.to(off))

        @stop.on
        def _(self) -> None: ...

        @stop.after
        def _(self) -> None: ...


class Mixin:
    rested = True

    def stop(self) -> None: ...


def an_event_over_a_mixin() -> None:
    class Made(Mixin, Chart):
        on = State(initial=True)
        off = State(final=True)
        stop = Event(on.to(off))


def a_state_over_a_mixin() -> None:
    class Made(Mixin, Chart):
        rested = State(initial=True)
        off = State(final=True)
        halt = Event(rested.to(off))


class Inner:
    def _fire(self) -> None: ...


def a_private_method_of_the_base() -> None:
    class Made(Inner, Chart):
        on = State(initial=True)
        off = State(final=True)
        halt = Event(on.to(off))


def a_private_attribute_of_machines() -> None:
    class Made(Chart):
        on = State(initial=True)
        off = State(final=True)
        halt = Event(on.to(off))

        def _program(self) -> None: ...


def an_event_with_the_hooks_of_all() -> None:
    class Made(Chart):
        on = State(initial=True)
        off = State(final=True)
        transition = Event(on.to(off))


def a_state_with_the_hooks_of_all() -> None:
    class Made(Chart):
        state = State(initial=True)
        off = State(final=True)
        stop = Event(state.to(off))


def an_event_with_the_hook_of_a_state() -> None:
    class Made(Chart):
        on = State(initial=True)
        off = State(final=True)
        enter_off = Event(on.to(off))


def an_event_named_like_a_hook() -> None:
    class Made(Chart):
        on = State(initial=True)
        off = State(final=True)
        stop = Event(on.to(off))
        on_stop = Event(on.to(off))


def a_state_named_like_a_hook() -> None:
    class Made(Chart):
        on_exit_off = State(initial=True)
        off = State(final=True)
        stop = Event(on_exit_off.to(off))


def an_event_without_a_transition() -> None:
    class Made(Chart):
        on = State(initial=True)
        off = State(final=True)
        stop = Event(on.to(off))
        start = Event()


MISTAKES: dict[Callable[[], None], str] = {
    a_state_twice: "state 'on' is declared twice, and the first is lost: rename or remove one",
    an_event_twice: "event 'stop' is declared twice, and the first is lost: join their transitions with |",
    a_guard_twice: "method 'is_ok' is declared twice, and the first is lost: rename or remove one",
    two_decorated_hooks: "method '_' is declared twice, and the first is lost: rename or remove one",
    a_method_after_an_event: "method 'stop' replaces the event of this name, which is lost: rename one",
    an_event_after_a_method: "event 'stop' replaces the method of this name, which is lost: rename one",
    an_event_after_a_state: "event 'off' replaces the state of this name, which is lost: rename one",
    an_attribute_after_a_guard: "attribute 'is_ok' replaces the property of this name, which is lost",
    an_event_with_an_id: "event 'halt' and the method of this name hide one another: rename one",
    a_state_of_an_enum: "state 'off' and the property of this name hide one another: rename one",
    an_event_over_a_mixin: "event 'stop' hides the method Mixin.stop: rename one",
    an_event_with_the_hooks_of_all: "event 'transition' shares the hook before_transition with every",
    a_state_with_the_hooks_of_all: "state 'state' shares the hook on_enter_state with every state or event",
    an_event_with_the_hook_of_a_state: "event 'enter_off' shares the hook on_enter_off with",
    an_event_named_like_a_hook: "event 'on_stop' has the name of a hook of event 'stop': rename it",
    a_state_named_like_a_hook: "state 'on_exit_off' has the name of a hook of state 'off': rename it",
    an_event_without_a_transition: "event 'start' has no transition: declare one, or remove it",
    a_state_over_a_mixin: "state 'rested' hides the attribute Mixin.rested: rename one",
    a_private_method_of_the_base: "'_fire' hides an attribute of Chart; rename it",
    a_private_attribute_of_machines: "'_program' hides an attribute of Chart; rename it",
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=[each.__name__ for each in MISTAKES])
def test_members_that_replace_or_hide_one_another_are_refused(mistake: Callable[[], None]) -> None:
    with pytest.raises(ChartDefinitionError) as refused:
        mistake()

    assert str(refused.value).startswith(f"chart Made: {MISTAKES[mistake]}")


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


def test_members_that_are_made_from_the_ones_before_are_kept() -> None:
    class Made(Chart):
        on = State(initial=True)
        dim = State()
        off = State(final=True)
        stop = on.to(dim)
        stop = stop | dim.to(off)
        stop = Event(stop, name="Stop")
        for each in (on, dim):
            each.to(off, event="halt")
        del each

        @property
        def level(self) -> int:
            return 3

        @level.setter
        def level(self, value: int) -> None: ...

        @overload
        def helper(self, of: int) -> int: ...
        @overload
        def helper(self, of: str) -> str: ...
        def helper(self, of: Any) -> Any:
            return of

        def is_ok(self) -> bool:
            return True

        is_ok = property(checked(is_ok))

        def _(self) -> None: ...

        def _(self) -> None: ...

        label = "a"
        label = "b"

    machine = Made()
    assert set(machine.enabled()) == {"stop", "halt"}
    assert machine.fire(Made.event("stop")).to_state == "dim"
