"""What a hook may not do to a model is refused, and leaves the model as it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pydantic
import pytest
from pydantic import BaseModel, Field, PrivateAttr, model_validator

from statechart import (
    Chart,
    ChartDefinitionError,
    ChartRepository,
    Event,
    InvalidValue,
    JsonFileRepository,
    State,
    Transition,
    fire,
)


class Frozen(BaseModel, frozen=True):
    state: str = "on"
    level: int = Field(0, le=5)
    lines: list[list[int]] = Field(default_factory=lambda: [[1]])

    @model_validator(mode="after")
    def positive(self) -> Frozen:
        if self.level < 0:
            raise ValueError("a level is positive")
        return self

    @property
    def double(self) -> int:
        return 2 * self.level


class Mutable(BaseModel):
    state: str = "on"
    level: int = Field(0, le=5)
    lines: list[list[int]] = Field(default_factory=lambda: [[1]])

    @property
    def double(self) -> int:
        return 2 * self.level

    @double.setter
    def double(self, value: int) -> None:
        self.level = value // 2


@dataclass(frozen=True)
class FrozenData:
    state: str = "on"
    level: int = 0
    lines: list[list[int]] = field(default_factory=lambda: [[1]])

    def __post_init__(self) -> None:
        if self.level > 5:
            raise ValueError("Input should be less than or equal to 5")


@dataclass
class Data:
    state: str = "on"
    level: int = 0
    lines: list[list[int]] = field(default_factory=lambda: [[1]])

    def __post_init__(self) -> None:
        self.made = True


@pydantic.dataclasses.dataclass(frozen=True)
class FrozenValidated:
    state: str = "on"
    level: int = Field(0, le=5)
    lines: list[list[int]] = field(default_factory=lambda: [[1]])


@pydantic.dataclasses.dataclass
class Validated:
    state: str = "on"
    level: int = Field(0, le=5)
    lines: list[list[int]] = field(default_factory=lambda: [[1]])


class Slotted:
    __slots__ = ("level", "lines", "state", "unset")

    def __init__(self) -> None:
        self.state = "on"
        self.level = 0
        self.lines = [[1]]


def namespace() -> SimpleNamespace:
    return SimpleNamespace(state="on", level=0, lines=[[1]])


PYDANTIC: list[Any] = [Frozen, Mutable]
MODELS: list[Any] = [*PYDANTIC, FrozenData, Data, FrozenValidated, Validated, Slotted, namespace]
Act = Callable[[Any], object]


def chart_of(act: Act, hook: str = "on_stop") -> type[Chart[Any]]:
    class Made(Chart):
        on = State(initial=True)
        off = State(final=True)
        stop = Event(on.to(off))

        vars()[hook] = lambda self, model: act(model)

    return Made


def require_refused(model: Any, act: Act, problem: str, hook: str = "on_stop") -> None:
    chart = chart_of(act, hook)
    machine = chart(model)

    with pytest.raises(InvalidValue) as refused:
        machine.fire(chart.event("stop"))

    assert problem in str(refused.value)
    held: Any = machine.model
    assert (held.state, held.level, held.lines) == ("on", 0, [[1]])


@pytest.mark.parametrize("make", [Frozen, Mutable, FrozenData, Data, Validated])
def test_a_field_that_the_model_lacks_cannot_be_set(make: Any) -> None:
    problem = f"a hook sets 'levle', and {make.__name__} has no such field: did you mean 'level'?"

    require_refused(make(), lambda model: setattr(model, "levle", 3), problem)


@pytest.mark.parametrize("hook", ["on_stop", "on_enter_off"])
@pytest.mark.parametrize("make", MODELS)
def test_a_hook_cannot_set_the_state(make: Any, hook: str) -> None:
    problem = "a hook sets its state to 'dim', which only an event does: give the event that target"

    require_refused(make(), lambda model: setattr(model, "state", "dim"), problem, hook)


@pytest.mark.parametrize("make", [*PYDANTIC, FrozenData, FrozenValidated, Validated])
def test_a_value_that_the_model_refuses_is_told_in_its_words(make: Any) -> None:
    require_refused(
        make(), lambda model: setattr(model, "level", 6), "Input should be less than or equal to 5"
    )


@pytest.mark.parametrize("make", [*PYDANTIC, FrozenValidated, Validated])
def test_a_value_is_converted_as_the_model_does(make: Any) -> None:
    chart = chart_of(lambda model: setattr(model, "level", "4"))
    machine = chart(make())

    machine.fire(chart.event("stop"))

    assert machine.model.level == 4


@dataclass(frozen=True)
class Prepared:
    state: str = "on"
    level: int = 0
    start: InitVar[int] = 3

    def __post_init__(self, start: int) -> None:
        object.__setattr__(self, "level", self.level or start)


def test_a_dataclass_that_takes_more_than_its_fields_is_not_prepared_again() -> None:
    chart = chart_of(lambda model: setattr(model, "level", 4))
    machine = chart(Prepared())

    machine.fire(chart.event("stop"))

    assert machine.model.level == 4


class Lamp(BaseModel):
    watts: int = 40


class Dimmer(Lamp):
    steps: int = 3


class Room(BaseModel):
    state: str = "on"
    lamps: list[Lamp] = []
    _client: object = PrivateAttr(None)
    _made: int = PrivateAttr(0)

    def model_post_init(self, context: object) -> None:
        self._made = len(self.lamps)


def test_fields_of_a_subclass_are_not_lost_in_silence(tmp_path: Path) -> None:
    problem = "its lamps.0 is a Dimmer, and would lose steps: annotate the field with Lamp | Dimmer"
    repository = JsonFileRepository(tmp_path, Room)

    with pytest.raises(InvalidValue, match=re.escape(problem)):
        repository.create("hall", Room(lamps=[Dimmer()]))
    chart = chart_of(lambda model: model.lamps.append(Dimmer()))
    with pytest.raises(InvalidValue, match=re.escape(problem)):
        chart(Room()).fire(chart.event("stop"))


def test_private_attributes_stay_unless_the_model_computes_them() -> None:
    client, room = object(), Room()
    room._client = client
    chart = chart_of(lambda model: model.lamps.append(Lamp()))

    chart(room).fire(chart.event("stop"))

    assert room._client is client
    assert room._made == 1


@dataclass
class Part:
    number: int
    amount: int = field(default=0, compare=False)


class Parts(BaseModel):
    state: str = "on"
    parts: list[Part] = []
    by_name: dict[str, int] = {}


def test_a_change_that_a_comparison_leaves_out_is_not_lost() -> None:
    def change(model: Any) -> None:
        model.parts[0].amount = 5
        model.by_name["a"] = model.by_name.pop("a")

    chart = chart_of(change)
    machine = chart(Parts(parts=[Part(1)], by_name={"a": 1, "b": 2}))

    machine.fire(chart.event("stop"))

    assert machine.model.parts[0].amount == 5
    assert list(machine.model.by_name) == ["b", "a"]


def test_a_failed_event_leaves_the_objects_of_a_model_the_same() -> None:
    item, lamp = SimpleNamespace(n=1), Lamp()
    model = SimpleNamespace(state="on", items=[item], parts={"lamp": [lamp]}, data=Data())

    def fails(model: Any) -> None:
        model.items.append(2)
        model.parts["lamp"][0].watts = 60
        model.data.level = 3
        raise ValueError("too late")

    chart = chart_of(fails)
    with pytest.raises(ValueError, match="too late"):
        chart(model).fire(chart.event("stop"))

    assert len(model.items) == 1
    assert model.items[0] is item
    assert model.parts["lamp"][0] is lamp
    assert (lamp.watts, model.data.level) == (40, 0)


def test_a_validator_of_the_whole_model_is_told_in_its_words() -> None:
    require_refused(Frozen(), lambda model: setattr(model, "level", -1), "a level is positive")


def test_a_property_can_be_set_only_if_it_can() -> None:
    problem = "a hook sets 'double', which is no field of Frozen: it has state, level, lines"

    require_refused(Frozen(), lambda model: setattr(model, "double", 4), problem)
    chart = chart_of(lambda model: setattr(model, "double", 4))
    machine = chart(Mutable())
    machine.fire(chart.event("stop"))
    assert machine.model.level == 2


@pytest.mark.parametrize("make", [*PYDANTIC, FrozenData])
def test_a_field_cannot_be_deleted(make: Any) -> None:
    problem = "a hook deletes 'level', which would stay: assign None, or a default"

    require_refused(make(), lambda model: delattr(model, "level"), problem)


def fails(model: Any) -> None:
    model.level = 3
    model.lines.append([2])
    model.lines[0].append(2)
    raise ValueError("too late")


@pytest.mark.parametrize("make", MODELS)
def test_an_exception_drops_every_change(make: Any) -> None:
    chart = chart_of(fails)
    machine = chart(make())

    with pytest.raises(ValueError, match="too late"):
        machine.fire(chart.event("stop"))

    held: Any = machine.model
    assert (held.state, held.level, held.lines) == ("on", 0, [[1]])
    assert not hasattr(held, "unset")


def evolving(evolve: Callable[[Any], Any]) -> type[Chart[Frozen]]:
    class Evolving(Chart[Frozen]):
        on = State(initial=True)
        off = State(final=True)
        stop = Event(on.to(off))

        def evolve(self, value: Frozen, transition: Transition) -> Frozen:
            result: Frozen = evolve(value)
            return result

    return Evolving


def test_the_chart_sets_the_state_of_the_value_that_its_evolve_returns(tmp_path: Path) -> None:
    chart = evolving(lambda value: value.model_copy(update={"level": 2}))
    machine = chart(Frozen())
    lamps = ChartRepository(tmp_path, chart)
    lamps.create("lamp-1", Frozen())

    machine.fire(chart.event("stop"))

    assert machine.model == lamps.fire("lamp-1", "stop") == Frozen(state="off", level=2)
    assert lamps.load("lamp-1") == machine.model


def test_a_machine_has_a_model_of_the_class_that_its_chart_declares() -> None:
    chart = evolving(lambda value: value)

    assert chart().model == Frozen()
    for given in (Mutable(), Frozen, "on"):
        with pytest.raises(
            ChartDefinitionError, match=r"declared with the model Frozen|is the class Frozen"
        ):
            chart(given)  # type: ignore[arg-type]  # that is the fault


class Cached(BaseModel, frozen=True):
    state: str | None = None

    @cached_property
    def is_lit(self) -> bool:
        return self.state == "lit"


def test_a_cached_property_is_computed_anew_in_the_new_state() -> None:
    class Switch(Chart[Cached]):
        dark = State(initial=True)
        lit = State(final=True)
        turn = Event(dark.to(lit))

    machine = Switch(Cached())
    assert not machine.model.is_lit

    machine.fire(Switch.turn)

    assert machine.model.is_lit


def test_an_evolve_that_returns_no_value_is_told() -> None:
    chart = evolving(lambda value: None)

    with pytest.raises(InvalidValue, match="evolve returns a NoneType, not a Frozen"):
        chart(Frozen()).fire(chart.event("stop"))


def test_a_refusal_of_a_stored_value_names_it(tmp_path: Path) -> None:
    repository = JsonFileRepository(tmp_path, Frozen)
    repository.create("lamp-1", Frozen())
    chart = chart_of(lambda model: setattr(model, "levle", 3))

    with (
        repository.open("lamp-1") as session,
        pytest.raises(InvalidValue, match="'lamp-1' can't be saved: a hook"),
    ):
        fire(session, chart, chart.event("stop"))

    assert len(repository.history("lamp-1")) == 1
