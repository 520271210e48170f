"""States with values of any kind that a record can hold, from the declaration to every tool."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum, IntEnum, StrEnum
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from hypothesis import given, settings, strategies as st
from pydantic import BaseModel, ConfigDict, create_model, field_validator
from statemachine.states import States

from statechart import (
    Chart,
    ChartDefinitionError,
    Event,
    JsonFileRepository,
    State,
    StatechartError,
    Transition,
    UnknownState,
    fire,
)
from statechart.diagram import render
from statechart.engine.hooks import watching
from statechart.errors import InvalidValue
from statechart.graph import allowed_events, shortest_path, states
from statechart.testing import matrix, paths, state_machine
from statechart.testing.coverage.counting import Coverage
from statechart.testing.driver import Driver


class Plain(Enum):
    OFF = "off"
    ON = "on"


class Number(IntEnum):
    OFF = 0
    ON = 1


class Text(StrEnum):
    OFF = "off"
    ON = "on"


class Mixed(str, Enum):  # noqa: UP042  # people have such classes
    OFF = "off"
    ON = "on"


def valued(off: object, on: object) -> type[Chart]:
    class Valued(Chart):
        first = State(value=off, initial=True)
        second = State(value=on)

        up = Event(first.to(second), name="up")
        down = Event(second.to(first), name="down")

    return Valued


def of_enum(kind: type[Enum], members: bool) -> type[Chart]:
    class OfEnum(Chart):
        states = States.from_enum(kind, initial=kind["OFF"], use_enum_instance=members)

        up = Event(states.OFF.to(states.ON), name="up")
        down = Event(states.ON.to(states.OFF), name="down")

    return OfEnum


Case = tuple[type[Chart], Any, object, object]
CASES: dict[str, Case] = {
    "strings": (valued("off", "on"), str, "off", "on"),
    "empty string": (valued("", "on"), str, "", "on"),
    "integers": (valued(0, 1), int, 0, 1),
    "great integers": (valued(0, 2**80), int, 0, 2**80),
    "booleans": (valued(False, True), bool, False, True),
    "floats": (valued(0.5, 1.5), float, 0.5, 1.5),
    "literals": (valued("off", "on"), Literal["off", "on"], "off", "on"),
    "names of attributes": (valued("model", "subject"), str, "model", "subject"),
    "values, members held": (valued("off", "on"), Plain, Plain.OFF, Plain.ON),
}
for kind in (Plain, Number, Text, Mixed):
    for members in (True, False):
        chart = of_enum(kind, members)
        plain = kind["OFF"].value, kind["ON"].value
        name = f"{kind.__name__}, {'members' if members else 'values'}"
        CASES[name] = (chart, kind, kind["OFF"], kind["ON"])
        CASES[f"{name}, values held"] = (chart, type(plain[0]), *plain)


def by_text(value: Any, transition: Transition) -> Any:
    return value.model_copy(update={"state": transition.to_state, "taken": value.taken + 1})


def by_value(value: Any, transition: Transition) -> Any:
    return value.model_copy(update={"state": transition.to_value, "taken": value.taken + 1})


@pytest.mark.parametrize("strict", [False, True], ids=["lax", "strict"])
@pytest.mark.parametrize("case", CASES)
def test_a_state_of_any_kind_is_fired_stored_and_read(case: str, strict: bool, tmp_path: Path) -> None:
    chart, field, off, on = CASES[case]
    config = ConfigDict(frozen=True, strict=strict)
    model = create_model("M", __config__=config, state=(field, off), taken=(int, 0))
    store = JsonFileRepository(tmp_path, model)
    store.create("x", model())

    with store.open("x") as session:
        held = [fire(session, chart, chart.event(event)) for event in ("up", "down", "up")]
    with store.open("x") as session:
        held.append(fire(session, chart, chart.event("down"), evolve=by_text))
        held.append(fire(session, chart, chart.event("up"), evolve=by_value))

    assert [value.state for value in held] == [on, off, on, off, on]  # type: ignore[attr-defined]  # made above
    assert {type(value.state) for value in held} == {type(on)}  # type: ignore[attr-defined]
    loaded: Any = store.load("x").value
    assert (loaded, loaded.taken) == (held[-1], 2)
    assert type(loaded.state) is type(on)
    texts = states(chart)
    said = [record.data["to_state"] for record in store.history("x")[1:]]
    assert said == [texts[1], texts[0], texts[1], texts[0], texts[1]]


@pytest.mark.parametrize("case", CASES)
def test_a_state_of_any_kind_is_seen_by_every_tool(case: str) -> None:
    chart, _, off, on = CASES[case]
    coverage, (first, second) = Coverage(), states(chart)

    coverage.begin("a test")
    with watching(coverage.watch):
        (path,) = paths(chart)
        path.drive()
        for cell in matrix(chart):
            cell.check()
        driver = Driver(chart, state=on).fire("down").expect(off).expect(first).refuses("down")
        machine: Any = state_machine(chart)()
        machine.fire("up")

    (covered,) = coverage.charts.values()
    assert {kind: covered.percent([kind]) for kind in ("states", "transitions", "refused")} == {
        "states": 100,
        "transitions": 100,
        "refused": 100,
    }
    assert (driver.state, machine.driver.state, machine.allowed) == (first, second, ("down",))
    assert allowed_events(chart, on) == ("down",)  # type: ignore[arg-type]  # a value instead of its text
    assert len(shortest_path(chart, first, second) or ()) == 1
    assert [each["name"] for each in json.loads(render(chart, "json"))["states"]] == [first, second]
    assert render(chart, "mermaid")


HUGE = 10**5000
REFUSED: dict[str, tuple[object, object, str]] = {
    "not a number": (float("nan"), 1, "state 'first': JSON can't hold its value"),
    "infinite": (float("inf"), 1, "state 'first': JSON can't hold its value"),
    "digits": (HUGE, 1, "state 'first': JSON can't hold its value"),
    "half a pair": ("\ud800", 1, "state 'first': JSON can't hold its value"),
    "tuple": ((1,), 1, "state 'first': its value is a tuple"),
    "list": ([1], 1, "state 'first': its value is a list"),
    "bytes": (b"off", 1, "state 'first': its value is a bytes"),
    "object": (object(), 1, "state 'first': its value is a object"),
    "member of an odd enum": (Enum("Odd", {"A": (1, 2)}).A, 1, "state 'first': its value is a tuple"),  # type: ignore[attr-defined]
    "member without a value": (Enum("Odd", {"A": None}).A, 1, "state 'first': its value is None"),  # type: ignore[attr-defined]
    "1 and True": (1, True, "state 'second': its value True can't be told apart from 1"),
    "1 and '1'": (1, "1", "state 'second': its value '1' can't be told apart from 1"),
    "1 and 1.0": (1, 1.0, "state 'second': its value 1.0 can't be told apart from 1"),
    "twice": ("on", "on", "state 'second': its value 'on' can't be told apart from 'on'"),
    "member and value": (Plain.ON, "on", "state 'second': its value 'on' can't be told apart from"),
    "members of two enums": (Plain.ON, Mixed.ON, "can't be told apart from"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_value_that_no_record_can_hold_is_refused_with_the_class(case: str) -> None:
    off, on, problem = REFUSED[case]

    with pytest.raises(ChartDefinitionError) as refused:
        valued(off, on)

    assert problem in str(refused.value)


ANY = st.one_of(
    st.text(max_size=3),
    st.integers(-2, 2),
    st.booleans(),
    st.floats(),
    st.sampled_from([*Plain, *Number, *Text, *Mixed]),
    st.binary(max_size=2),
    st.tuples(st.integers()),
    st.sampled_from(["0", "1", "True", "off", "on", "0.0", "nan", "None"]),
)


@settings(max_examples=60, database=None, deadline=None, derandomize=True)
@given(ANY, ANY)
def test_any_two_values_are_refused_or_told_apart(off: Any, on: Any) -> None:
    try:
        chart = valued(off, on)
    except ChartDefinitionError:
        return

    first, second = states(chart)
    assert first != second
    driver = Driver(chart, state=off).fire("up").expect(on).fire("down").expect(off)
    assert (driver.machine.model.state, type(driver.machine.model.state)) == (off, type(off))
    for value, state in ((off, "first"), (on, "second")):
        stored = json.loads(json.dumps(value.value if isinstance(value, Enum) else value))
        assert chart(SimpleNamespace(state=stored))._state.id == state


class Misread(BaseModel, frozen=True):
    """Reads the state in another way than the chart."""

    state: str = "off"

    @field_validator("state")
    @classmethod
    def _loud(cls, value: str) -> str:
        return value if value == "off" else value.upper()


class Typed(BaseModel, frozen=True):
    state: Literal["off"] = "off"


class Elsewhere(BaseModel, frozen=True):
    status: str = "off"


def keeps_the_state(value: Any, _transition: Transition) -> Any:
    return value


def breaks_a_field(value: Any, transition: Transition) -> Any:
    return value.model_copy(update={"state": transition.to_state, "taken": "many"})


def forgets_to_return(_value: Any, _transition: Transition) -> Any:
    return None


class Counted(BaseModel, frozen=True):
    state: str = "off"
    taken: int = 0

    @cached_property
    def many(self) -> bool:
        return self.taken > 1


def misspells_a_field(value: Any, transition: Transition) -> Any:
    assert not value.many  # which is kept beside the fields
    return value.model_copy(update={"state": transition.to_value, "takn": 1})


UNREADABLE: dict[str, tuple[type[BaseModel], Callable[[Any, Transition], Any], str]] = {
    "a model that reads another state": (Misread, by_value, "its state would be 'ON' instead of 'on'"),
    "a model without the state": (Typed, by_value, "state: Input should be 'off'"),
    "a model with the state elsewhere": (Elsewhere, by_value, "Elsewhere has no field 'state'"),
    "evolve keeps the state": (Counted, keeps_the_state, "its state would be 'off' instead of 'on'"),
    "evolve breaks a field": (Counted, breaks_a_field, "taken: Input should be a valid integer"),
    "evolve misspells a field": (Counted, misspells_a_field, "has no field 'takn': did you mean 'taken'?"),
    "evolve returns nothing": (Counted, forgets_to_return, "this repository stores Counted, not NoneType"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_value_that_could_not_be_read_again_is_not_written(case: str, tmp_path: Path) -> None:
    model, evolve, problem = UNREADABLE[case]
    chart = CASES["strings"][0]
    model_ = create_model(model.__name__, __base__=model, taken=(int, 0))
    store = JsonFileRepository(tmp_path, model_)
    store.create("x", model_())
    before = (tmp_path / "x" / "history.jsonl").read_bytes()

    with store.open("x") as session, pytest.raises(InvalidValue) as refused:
        fire(session, chart, chart.event("up"), evolve=evolve)

    assert problem in str(refused.value)
    assert isinstance(refused.value, StatechartError)
    assert (tmp_path / "x" / "history.jsonl").read_bytes() == before
    assert store.load("x").value == model_()


def test_what_a_hook_assigns_is_stored_with_the_transition(tmp_path: Path) -> None:
    class Counting(Chart):
        off = State("off", initial=True)
        on = State("on", final=True)
        up = Event(off.to(on), name="up")

        def on_up(self, model: Any) -> None:
            model.taken += 1

    store = JsonFileRepository(tmp_path, Counted)
    store.create("x", Counted())

    with store.open("x") as session:
        assert fire(session, Counting, Counting.up) == Counted(state="on", taken=1)
    assert store.load("x").value == Counted(state="on", taken=1)
    assert [record.type for record in store.history("x")] == ["created", "transition"]


def test_a_value_that_was_never_validated_is_not_created(tmp_path: Path) -> None:
    store = JsonFileRepository(tmp_path, Counted)

    for odd in (Counted.model_construct(taken="many"), Counted.model_construct(state="\ud800")):  # type: ignore[arg-type]
        with pytest.raises(InvalidValue, match="nothing was written"):
            store.create("x", odd)

    assert store.names() == []


def test_a_model_in_a_state_of_another_type_is_told_so() -> None:
    with pytest.raises(UnknownState, match="has no state '1': its 1 is a value of another type"):
        Driver(CASES["integers"][0], model=Counted.model_construct(state="1"))


def test_a_state_of_a_machine_cannot_be_replaced() -> None:
    machine = CASES["integers"][0]()

    with pytest.raises(AttributeError, match="first is a state"):
        machine.first = None  # type: ignore[attr-defined]
