"""Declarations that random charts do not have: `Chart` calls them as python-statemachine does."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from statemachine import Event, State, StateChart
from statemachine.exceptions import TransitionNotAllowed
from statemachine.states import States

from statechart import Chart
from statechart.errors import InvalidTransition
from tests.statechart.oracles.built import STRICT

Make = Callable[[Any, list[Any]], tuple[Any, Any]]
CORNERS: dict[str, Make] = {}
EVENTS = ("go", "back", "go", "go", "back")


class Strict(StateChart[Any]):
    locals().update(STRICT)


def corner(make: Make) -> Make:
    CORNERS[make.__name__] = make
    return make


def run(make: Make, base: Any) -> list[Any]:
    """Make a chart, fire events, and return what happened."""
    log: list[Any] = []
    cls, model = make(base, log)
    machine = cls(model)
    for event in EVENTS:
        log.append(event)
        try:
            machine.send(event, amount=2)
        except (InvalidTransition, TransitionNotAllowed):
            # Guards are asked again for the reasons.
            log[log.index(event, len(log) - log[::-1].index(event) - 1) + 1 :] = ["refused"]
        except Exception as error:
            log.append(repr(error))
        state = machine.model.state
        log.append(str(state))
    return log


@corner
def a_name_given_twice(base: Any, log: list[Any]) -> tuple[Any, Any]:
    class TwiceGiven(base):
        idle = State(initial=True)
        busy = State()
        go = idle.to(busy, before=["note", "note"], cond=["able", "able"], on="note")
        back = busy.to(idle, cond="able", unless="able")

        def able(self) -> bool:
            log.append(("able",))
            return True

        def note(self) -> None:
            log.append(("note",))

    return TwiceGiven, None


@corner
def a_hook_by_convention_that_is_given_too(base: Any, log: list[Any]) -> tuple[Any, Any]:
    class GivenToo(base):
        idle = State(initial=True, exit="on_exit_idle")
        busy = State(enter="on_enter_busy")
        go = idle.to(busy, before="before_go", on="on_go", after="after_go")
        back = busy.to(idle)

        def before_go(self) -> None:
            log.append(("before_go",))

        def on_go(self) -> None:
            log.append(("on_go",))

        def after_go(self) -> None:
            log.append(("after_go",))

        def on_exit_idle(self) -> None:
            log.append(("on_exit_idle",))

        def on_enter_busy(self) -> None:
            log.append(("on_enter_busy",))

    return GivenToo, None


@corner
def methods_of_every_kind(base: Any, log: list[Any]) -> tuple[Any, Any]:
    class Other:
        def bound(self, source: State) -> None:
            log.append(("bound", source.id))

    def part(prefix: str, target: State) -> None:
        log.append((prefix, target.id))

    class Kinds(base):
        idle = State(initial=True)
        busy = State()
        go = idle.to(busy, before=[Other().bound, partial(part, "partial")], cond="constant", on="of_class")
        back = busy.to(idle)

        @staticmethod
        def before_go(event: str, amount: int) -> None:
            log.append(("static", str(event), amount))

        @classmethod
        def of_class(cls, state: State) -> None:
            log.append((cls.__name__, state.id))

        @staticmethod
        def constant() -> int:
            return 1

    return Kinds, None


@corner
def properties_and_attributes(base: Any, log: list[Any]) -> tuple[Any, Any]:
    class Model(SimpleNamespace):
        @property
        def is_open(self) -> bool:
            if self.state is not None:  # python-statemachine asks it as it looks for guards, too
                log.append(("is_open", self.state))
            return bool(self.count < 3)

    class Properties(base):
        idle = State(initial=True)
        busy = State()

        @property
        def may(self) -> bool:
            if self.model.state is not None:
                log.append(("may", self.model.count))
            return bool(self.model.count < 9)

        go = idle.to(busy, cond=["is_open", may], unless="closed")
        back = busy.to(idle, cond="1 <= count < 3 and kind == 'good' and limit != 0")
        limit = 5

        def on_go(self, model: Any) -> None:
            model.count += 1

    return Properties, Model(count=0, closed=False, kind="good", state=None)


@corner
def a_name_that_several_have(base: Any, log: list[Any]) -> tuple[Any, Any]:
    class Model(SimpleNamespace):
        def able(self) -> int:
            log.append(("model",))
            return 3

    class Listener:
        able = 4

    class Several(base):
        listeners = [Listener, Model(able=lambda **_: log.append(("other",)) or 5)]  # noqa: RUF012
        idle = State(initial=True)
        busy = State()
        go = idle.to(busy, cond="able == 4 or able > 4")
        back = busy.to(idle, cond="not able and able")
        go |= busy.to(busy, cond="!able v able ^ able")

        def able(self) -> int:
            log.append(("chart",))
            return 2

    return Several, Model(state=None)


@corner
def transitions_declared_in_every_way(base: Any, log: list[Any]) -> tuple[Any, Any]:
    class Declared(base):
        idle = State(initial=True)
        busy = State()
        left = State(final=True)
        go = idle.to(busy, idle) | busy.to.itself(internal=True)
        leave = left.from_.any(cond="never")
        back = idle.from_(busy)

        @back.before
        def hurry(self, transition: Any, event: str) -> None:
            log.append(("hurry", transition.source.id, str(event)))

        def never(self) -> bool:
            return False

        def on_transition(self, event: str, source: State, new_configuration: Any) -> None:
            log.append((str(event), source.id, [state.id for state in new_configuration]))

        def on_go(self, previous_configuration: Any) -> None:
            log.append(([state.id for state in previous_configuration],))

    return Declared, None


@corner
def a_function_that_is_the_event(base: Any, log: list[Any]) -> tuple[Any, Any]:
    class Functions(base):
        idle = State(initial=True)
        busy = State()

        @(idle.to(busy) | busy.to(busy))
        def go(self, amount: int) -> None:
            log.append(("go", amount, self.model.state))

        back = Event(busy.to(idle))

        @idle.exit
        @busy.enter
        def passed(self, state: State) -> None:
            log.append(("passed", state.id))

    return Functions, None


class Size(Enum):
    SMALL = 1
    LARGE = 2


@corner
def states_of_an_enum(base: Any, log: list[Any]) -> tuple[Any, Any]:
    class Sized(base):
        states = States.from_enum(Size, initial=Size.SMALL)
        go = states.SMALL.to(states.LARGE)
        back = states.LARGE.to(states.SMALL, cond="In('LARGE')")

        def on_enter_LARGE(self, state: State) -> None:  # noqa: N802
            log.append((state.value,))

    return Sized, None


@corner
def hooks_of_a_mixin_and_of_listeners(base: Any, log: list[Any]) -> tuple[Any, Any]:
    class Mixin:
        def on_enter_state(self, state: State, model: Any) -> None:
            log.append(("mixin", state.id, model.state))

    class Listener:
        def setup(self, machine: Any) -> None:
            log.append(("setup", machine.model.state))

        def on_enter_busy(self, machine: Any, amount: int = 0) -> None:
            log.append(("listener", machine.model.state, amount))

    class Object:
        def __init__(self) -> None:
            self.on_enter_idle = lambda target, **rest: log.append((target.id, sorted(rest)))

    class Mixed(Mixin, base):
        listeners = [Listener, Object()]  # noqa: RUF012
        idle = State(initial=True)
        busy = State()
        go = idle.to(busy)
        back = busy.to(idle)

    return Mixed, None


@corner
def hooks_that_return_values(base: Any, log: list[Any]) -> tuple[Any, Any]:
    class Listener:
        def prepare_event(self, amount: int = 0) -> dict[str, object]:
            log.append(("prepare", amount))  # what the chart prepares is not there yet
            return {"other": amount}

    class Returning(base):
        listeners = [Listener]  # noqa: RUF012
        idle = State(initial=True)
        busy = State()
        go = idle.to(busy, cond=["text", "empty"]) | idle.to(busy, validators="check")
        back = busy.to(idle, unless="empty")

        def prepare_event(self, event: str) -> dict[str, object]:
            return {"prepared": f"for {event}", "amount": 7}

        def check(self, amount: int, prepared: str) -> bool:
            log.append(("check", amount, prepared))
            return False

        def text(self) -> str:
            return "yes"

        def empty(self) -> list[int]:
            return []

        def on_go(self, prepared: str) -> str:
            log.append((prepared,))
            return prepared

    return Returning, None


@corner
def a_hook_by_convention_that_is_decorated(base: Any, log: list[Any]) -> tuple[Any, Any]:
    class Decorated(base):
        idle = State(initial=True)
        busy = State()
        go = Event(idle.to(busy))
        back = busy.to(idle)

        @go.before
        def before_go(self) -> None:
            log.append(("before_go",))

        @back.on
        @go.on
        def on_go(self) -> None:
            log.append(("on_go",))

        @busy.enter
        def on_enter_busy(self) -> None:
            log.append(("on_enter_busy",))

    return Decorated, None


@corner
def functions_with_parameters_of_every_kind(base: Any, log: list[Any]) -> tuple[Any, Any]:
    def wrapped(function: Any) -> Any:
        from functools import wraps

        @wraps(function)
        def call(self: Any, *args: Any, **rest: Any) -> Any:
            log.append(("wrapped", len(args), sorted(rest)))
            return function(self, *args, **rest)

        return call

    class Parameters(base):
        idle = State(initial=True)
        busy = State()
        go = idle.to(busy, before=lambda amount, event: log.append((amount, str(event))))
        back = busy.to(idle)

        def on_go(self, *args: Any, amount: int, other: str = "no", **rest: Any) -> None:
            log.append((args, amount, other, sorted(rest)))

        @wrapped
        def on_back(self, amount: int) -> None:
            log.append(("back", amount))

        def after_go(self, *, target: State, source: State) -> None:
            log.append((source.id, target.id))

    return Parameters, None


@pytest.mark.parametrize("make", CORNERS)
def test_it_is_called_as_by_the_engine(make: str) -> None:
    expected = run(CORNERS[make], Strict)

    assert run(CORNERS[make], Chart) == expected
    assert any(isinstance(entry, tuple) for entry in expected), "it calls something"
