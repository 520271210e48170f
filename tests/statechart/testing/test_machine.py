"""The Hypothesis machine of a chart finds faults, and shrinks them to few events."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from pydantic import BaseModel

from environments.lifecycle import Lifecycle, Subject
from statechart import Chart, Event, State, Transition
from statechart.errors import InvalidValue, MissingPayload, UnknownEvent
from statechart.testing import ChartMachine, Driver, paths, state_machine

QUICK = settings(
    derandomize=True,
    max_examples=60,
    stateful_step_count=15,
    database=None,
    phases=[Phase.generate, Phase.shrink],  # explaining repeats a failing run hundreds of times
    suppress_health_check=list(HealthCheck),
)


class Till(Chart):
    """Its events are named like methods of a machine, and its guard needs a payload."""

    shut = State("shut", initial=True)
    open_ = State("open", value="open")
    gone = State("gone", final=True)

    fire = None
    begin = Event(shut.to(open_, cond="has_key"), name="begin")
    teardown = Event(open_.to(shut), name="teardown")
    refuse = Event(shut.to(gone), name="refuse")

    def has_key(self, code: int) -> bool:
        """The key is wrong."""
        return code > 2


del Till.fire


def run(machine: type[ChartMachine], examples: int = QUICK.max_examples) -> None:
    case = machine.TestCase
    case.settings = settings(QUICK, max_examples=examples)
    case("runTest").runTest()


def told(machine: type[ChartMachine]) -> str:
    """Return the notes of a failure."""
    with pytest.raises(AssertionError) as raised:
        run(machine)
    return "\n".join(raised.value.__notes__)


def test_a_sound_chart_passes_and_everything_of_it_is_met() -> None:
    met: set[str] = set()

    class Machine(state_machine(Lifecycle)):  # type: ignore[misc]  # the class is made at run time
        def begin(self) -> Driver:
            return Driver(Lifecycle, model=Subject(run_under_way=True))

        def fired(self, transition: Transition) -> None:
            met.add(transition.to_state)

        def refused(self, event: str) -> None:
            met.add(f"refused {event}")

    run(Machine)

    assert {"provisioning", "destroyed", "refused run"} <= met


def test_a_failure_shrinks_to_the_shortest_sequence() -> None:
    class Machine(state_machine(Lifecycle)):  # type: ignore[misc]
        def fired(self, transition: Transition) -> None:
            assert transition.to_state != "configuring"

    assert "The shortest events that fail like this: register, configure" in told(Machine)


def test_a_failure_that_needs_its_history_is_told_whole() -> None:
    class Machine(state_machine(Lifecycle)):  # type: ignore[misc]
        def fired(self, transition: Transition) -> None:
            events = [taken.event for taken in self.driver.transitions]
            assert events.count("fail") < 2

    notes = told(Machine)

    assert "that fail like this: provision, fail, provision, fail" in notes
    assert notes.count("state.fail()") == 2, "Hypothesis tells its own events as well"


def test_a_guard_that_needs_a_payload_is_given_one() -> None:
    met: list[Any] = []

    class Machine(state_machine(Till, payloads={"begin": {"code": st.integers(0, 5)}})):  # type: ignore[misc]
        def fired(self, transition: Transition) -> None:
            met.append((transition.event, transition.payload.get("code")))

    run(Machine)

    assert {key for event, key in met if event == "begin"} <= {3, 4, 5}
    assert {event for event, _ in met} == {"begin", "teardown", "refuse"}


def test_several_payloads_and_plain_values_are_tried_on_the_given_model() -> None:
    codes: set[int] = set()
    payloads = {"begin": [{"code": 4}, {"code": st.sampled_from([1, 9])}]}

    class Machine(state_machine(Till, model=lambda: SimpleNamespace(state="gone"), payloads=payloads)):  # type: ignore[misc]
        def refused(self, event: str) -> None:
            assert self.driver.state == "gone"

    class Other(state_machine(Till, payloads=payloads)):  # type: ignore[misc]
        def fired(self, transition: Transition) -> None:
            codes.add(transition.payload.get("code", 0))

    run(Machine, examples=2)
    run(Other, examples=15)

    assert codes == {0, 4, 9}


def test_a_chart_that_refuses_a_declared_event_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Chart):
        one = State("one", initial=True)
        two = State("two", final=True)
        go = Event(one.to(two), name="go")

    class Machine(state_machine(Broken)):  # type: ignore[misc]
        def begin(self) -> Driver:
            driver = Driver(Broken, model=SimpleNamespace(state=None))
            monkeypatch.setattr(driver.machine, "fire", driver.machine.refuse_all, raising=False)
            return driver

    def refuse_all(self: Broken, event: Event, **payload: Any) -> Transition:
        raise self._refusal(event.id, payload)

    monkeypatch.setattr(Broken, "refuse_all", refuse_all, raising=False)

    assert "The shortest events that fail like this: go" in told(Machine)


class Task(BaseModel):
    state: str = "one"


class Astray(Chart[Task]):
    """Its evolution leads to another state."""

    one = State("one", initial=True)
    two = State("two", final=True)
    go = Event(one.to(two), name="go")

    def evolve(self, value: Task, transition: Transition) -> Task:
        return value.model_copy(update={"state": "zero"})


def test_a_fault_of_the_chart_is_no_refusal_by_the_model() -> None:
    with pytest.raises(InvalidValue, match="its state would be 'zero' instead of 'two'"):
        run(state_machine(Astray), examples=2)
    with pytest.raises(InvalidValue, match="its state would be 'zero' instead of 'two'"):
        Driver(Astray).refuses("go")
    with pytest.raises(InvalidValue, match="its state would be 'zero' instead of 'two'"):
        paths(Astray)


def test_a_payload_that_is_not_given_is_missed() -> None:
    with pytest.raises(MissingPayload) as raised:
        run(state_machine(Till), examples=2)

    assert "as in payloads={'begin': {'code': ...}}" in raised.value.__notes__


def test_a_machine_without_a_model_says_so() -> None:
    def none() -> object:
        raise TypeError("give a model")

    with pytest.raises(TypeError, match="give a model") as raised:
        run(state_machine(Till, model=none), examples=2)

    assert raised.value.__context__ is None


def test_payloads_are_for_events_that_there_are() -> None:
    with pytest.raises(UnknownEvent, match="did you mean 'begin'"):
        state_machine(Till, payloads={"begn": {}})
    with pytest.raises(TypeError, match="the payload of begin is 3: give keywords with values"):
        state_machine(Till, payloads={"begin": 3})  # type: ignore[dict-item]


NAMES = [
    "chart",
    "settings",
    "driver",
    "bundles",
    "rules",
    "TestCase",
    "name_counter",
    "fired",
    "refused",
    "data",
]


def test_no_name_of_an_event_clashes_with_the_machine() -> None:
    body: dict[str, Any] = {"here": State("here", initial=True)}
    for name in NAMES:
        body[name] = Event(body["here"].to(body["here"], on=f"note_{name}"), name=name)
        body[f"note_{name}"] = lambda self, targets=0, name=name: met.add((name, targets))
    met: set[tuple[str, int]] = set()
    clashing: type[Chart] = type(Chart)("Clashing", (Chart,), body)

    machine = state_machine(clashing, payloads={"chart": {"targets": st.just(7)}})
    machine.TestCase.settings = settings(QUICK, max_examples=20)
    machine.TestCase("runTest").runTest()

    assert {name for name, _ in met} == set(NAMES)
    assert ("chart", 7) in met
