"""Drivers, paths, matrices and Hypothesis machines work on models of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import Phase, settings
from pydantic import BaseModel, Field

from statechart import Chart, Event, InvalidValue, State, Transition
from statechart.testing import Driver, Uncoverable, matrix, paths, state_machine
from tests.statechart.testing.test_machine import QUICK


class Frozen(BaseModel, frozen=True):
    state: str = "draft"
    price: int = 7
    paid: int = Field(default=0, le=20)
    notes: list[str] = []


class Mutable(BaseModel):
    state: str = "draft"
    price: int = 7
    paid: int = 0
    notes: list[str] = []


@dataclass(frozen=True)
class FrozenData:
    state: str | None = None
    price: int = 7
    paid: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass
class Data:
    state: str | None = None
    price: int = 7
    paid: int = 0
    notes: list[str] = field(default_factory=list)


class Slotted:
    __slots__ = ("notes", "paid", "price", "state")

    def __init__(self) -> None:
        self.state: str | None = None
        self.price, self.paid, self.notes = 7, 0, list[str]()


def plain() -> SimpleNamespace:
    return SimpleNamespace(state=None, price=7, paid=0, notes=[])


def body() -> dict[str, Any]:
    draft, paid = State("draft", initial=True), State("paid")
    sent = State("sent", final=True)

    def enough(self: Any, model: Any, amount: int = 0) -> bool:
        """The amount is too small."""
        return model.paid + amount >= model.price

    def on_pay(self: Any, model: Any, amount: int = 0) -> None:
        model.paid += amount
        model.notes.append(f"paid {amount}")

    return {
        **{"draft": draft, "paid": paid, "sent": sent, "enough": enough, "on_pay": on_pay},
        "pay": Event(draft.to(paid, cond="enough") | draft.to(draft, cond="!enough"), name="pay"),
        "ship": Event(paid.to(sent, cond="is_noted"), name="ship"),
        "is_noted": lambda self, model: bool(model.notes),
    }


MODELS = [Frozen, Mutable, FrozenData, Data, Slotted, plain]
FEW = settings(QUICK, max_examples=4, stateful_step_count=6, phases=[Phase.generate])
PAYLOADS = {"pay": [{"amount": 3}, {"amount": 7}]}


def charts(make: Callable[[], Any]) -> list[type[Chart]]:
    """Return a chart that is given its model, one that makes it, and one that declares its class."""
    given = type(Chart)("Given", (Chart,), body())
    own = type(Chart)("Own", (Chart,), {**body(), "new_model": staticmethod(make)})
    if not isinstance(make, type):
        return [given, own]
    declared = type(Chart)("Declared", (Chart,), {**body(), "__orig_bases__": (Chart[make],)})  # type: ignore[valid-type]
    return [given, own, declared]


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_a_driver_has_the_value_after_each_event(make: Callable[[], Any]) -> None:
    for chart in charts(make):
        model = make() if chart.__name__ == "Given" else None
        driver = Driver(chart, model=model)

        driver.fire("pay", amount=3).expect("draft").refuses("ship").fire("pay", amount=7).expect("paid")

        assert (driver.model.state, driver.model.paid) == ("paid", 10)
        assert driver.model.notes == ["paid 3", "paid 7"]
        if model is not None and make not in (Frozen, FrozenData):
            assert driver.model is model
        if model is not None and make in (Frozen, FrozenData):
            assert (model.paid, model.notes) == (0, [])


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_a_driver_begins_in_any_state_and_with_any_facts(make: Callable[[], Any]) -> None:
    for chart in charts(make):
        model = make() if chart.__name__ == "Given" else None
        driver = Driver(chart, model=model, state="paid", notes=["found"], price=3)

        assert (driver.state, driver.model.price) == ("paid", 3)
        driver.fire("ship").expect("sent")


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_paths_and_matrix_play_with_drafts(make: Callable[[], Any]) -> None:
    chart = charts(make)[0]

    found = paths(chart, "edge-pairs", model=make, payloads=PAYLOADS)

    assert "sent" in {path.drive().state for path in found}
    for cell in matrix(chart, model=make, payloads=PAYLOADS):
        cell.check()


class Counted:
    __slots__ = ("number", "state")

    def __init__(self) -> None:
        self.state: str | None = None
        self.number = 0


class Private(BaseModel):
    state: str = "draft"
    _number: int = 0

    @property
    def number(self) -> int:
        return self._number

    @number.setter
    def number(self, number: int) -> None:
        self._number = number


class Extra(BaseModel, extra="allow"):
    state: str = "draft"
    __pydantic_extra__: dict[str, int] = Field(init=False)


@pytest.mark.parametrize(
    "make", [Counted, Private, lambda: Extra(number=0)], ids=["slots", "private", "extra"]
)
def test_paths_see_values_that_are_no_fields(make: Callable[[], Any]) -> None:
    class Counter(Chart):
        draft = State(initial=True)
        sent = State(final=True)
        count = Event(draft.to(draft))
        ship = Event(draft.to(sent, cond="is_full"))

        def on_count(self, model: Any) -> None:
            model.number += 1

        def is_full(self, model: Any) -> bool:
            return bool(model.number == 2)

    assert [str(path) for path in paths(Counter, model=make)] == ["count>count>ship"]


class Aliased(BaseModel):
    state: str = Field("draft", alias="status")
    amount: int = Field(0, alias="sum")


class AliasedChart(Chart[Aliased]):
    draft = State(initial=True)
    paid = State(final=True)
    pay = Event(draft.to(paid))


def test_facts_have_the_names_of_fields_not_of_aliases() -> None:
    assert Driver(AliasedChart, amount=3).fire("pay").model.amount == 3


def test_a_machine_plays_with_drafts() -> None:
    met: set[tuple[str, int]] = set()

    class Machine(state_machine(charts(Frozen)[0], model=Frozen, payloads=PAYLOADS)):  # type: ignore[misc]
        def fired(self, transition: Transition) -> None:
            met.add((transition.to_state, self.driver.model.paid))

    Machine.TestCase.settings = FEW
    Machine.TestCase("runTest").runTest()

    assert {("draft", 3), ("paid", 7), ("sent", 7)} <= met


class Declared(Chart[Frozen]):
    """Its `evolve` counts in place of a hook."""

    draft = State(initial=True)
    paid = State(final=True)
    add = Event(draft.to(draft))
    pay = Event(draft.to(paid))

    def evolve(self, value: Frozen, transition: Transition) -> Frozen:
        paid = value.paid + int(transition.payload.get("amount", 1))
        return value.model_copy(update={"paid": paid, "state": transition.to_value})


def test_a_driver_uses_the_evolve_of_the_chart() -> None:
    driver: Driver[Frozen] = Driver(Declared).fire("add").fire("add", amount=4).fire("pay")

    assert driver.model == Frozen(state="paid", paid=6)
    assert Driver(Declared, price=3).model.price == 3
    with pytest.raises(InvalidValue, match="paid: Input should be less than or equal to 20"):
        Driver(Declared).fire("add", amount=30)
    assert Driver(Declared).refuses("add", because="less than or equal to 20", amount=30).model.paid == 0
    assert [path.drive().model.paid for path in paths(Declared, "shortest")] == [1, 1]
    with pytest.raises(
        Uncoverable, match=r"add from draft to draft \(it is not a valid Frozen \(paid: Input should"
    ):
        paths(Declared, payloads={"add": {"amount": 21}})
    case = state_machine(Declared, payloads={"add": {"amount": 15}}).TestCase
    case.settings = FEW
    case("runTest").runTest()


class Named(BaseModel, frozen=True):
    name: str
    price: int
    state: str


class NamedChart(Chart[Named]):
    draft = State(initial=True)
    paid = State(final=True)
    pay = Event(draft.to(paid))


@dataclass
class Weighed:
    weight: int
    state: str = "draft"


class WeighedChart(Chart[Weighed]):
    draft = State(initial=True)
    paid = State(final=True)
    pay = Event(draft.to(paid))


def test_a_model_with_fields_that_have_no_default_is_asked_for() -> None:
    with pytest.raises(TypeError, match=r"NamedChart needs a model, as Named has no default for name, price: "
                       r"give one with model=, such as Named\(name=..., price=...\)"):  # fmt: skip
        Driver(NamedChart)
    with pytest.raises(TypeError, match=r"no default for weight: give one with model=, such as Weighed\("):
        paths(WeighedChart)
    assert Driver(NamedChart, name="A-1", price=7).fire("pay").model.name == "A-1"
    assert Driver(WeighedChart, model=Weighed(3)).fire("pay").model == Weighed(3, "paid")


def test_a_fact_that_the_model_has_not_is_named() -> None:
    for wrong in (
        lambda: Driver(Declared, pirce=3),
        lambda: Driver(Declared, model=Frozen(), pirce=3),
    ):
        with pytest.raises(TypeError, match="Frozen has no field 'pirce': did you mean 'price'"):
            wrong()
    with pytest.raises(TypeError, match="Weighed has no field 'x': it has weight, state"):
        Driver(WeighedChart, x=3)
