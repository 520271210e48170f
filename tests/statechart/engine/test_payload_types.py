"""A payload of another type than guards and hooks declare is refused before any of them runs."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, SecretStr

from statechart import Chart, Event, InvalidPayload, InvalidTransition, JsonFileRepository, State, fire

asked: list[object] = []


class Order(BaseModel, frozen=True):
    state: str = "draft"
    paid: Decimal = Decimal(0)


class OrderChart(Chart[Order]):
    draft = State(initial=True)
    paid = State()
    pay = Event(draft.to(paid, cond="is_enough and is_open"))
    refund = Event(paid.to(draft))
    sign = Event(draft.to(draft, cond="by_number") | draft.to(draft, cond="by_name"))

    def is_enough(self, amount: Annotated[Decimal, Field(gt=0)]) -> bool:
        asked.append(amount)
        return True

    def is_open(self) -> bool:
        return True

    def on_pay(self, model: Order, amount: Decimal, by: str = None, pin: SecretStr | None = None) -> None:  # noqa: RUF013
        object.__setattr__(model, "paid", model.paid + amount)

    def by_number(self, key_: int) -> bool:
        return key_ == 4

    def by_name(self, key_: str) -> bool:
        return key_ == "ann"


def in_memory(event: Event, **payload: Any) -> object:
    return OrderChart(Order()).fire(event, **payload)


def required(event: Event, **payload: Any) -> object:
    return OrderChart(Order()).require(event, **payload)


@pytest.fixture
def durable(tmp_path: Path) -> Callable[..., object]:
    repository = JsonFileRepository(tmp_path, Order)
    repository.create("x", Order())

    def act(event: Event, **payload: Any) -> object:
        with repository.open("x") as session:
            try:
                return fire(session, OrderChart, event, **payload)
            except InvalidPayload:
                assert len(repository.history("x")) == 1
                raise

    return act


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "a text for a number": (
        {"amount": "3"},
        "pay of OrderChart can't take a payload 'amount' of the type str: Input should be an instance of "
        "Decimal, as its guard is_enough declares",
    ),
    "a number for a decimal": ({"amount": 3}, "of the type int: Input should be an instance of Decimal"),
    "out of limits": (
        {"amount": Decimal(-1)},
        "of the type Decimal: Input should be greater than 0, as its guard is_enough declares",
    ),
    "of a hook": (
        {"amount": Decimal(3), "by": 3},
        "'by' of the type int: Input should be a valid string, as its hook on_pay declares",
    ),
    "a secret in plain": (
        {"amount": Decimal(3), "pin": "hidden"},
        "'pin' of the type str: Input should be",
    ),
}


@pytest.mark.parametrize("way", ["in memory", "required", "durable"])
@pytest.mark.parametrize("case", OTHERS)
def test_a_payload_of_another_type_is_refused(case: str, way: str, durable: Callable[..., object]) -> None:
    payload, problem = OTHERS[case]
    act: Callable[..., object] = {"in memory": in_memory, "required": required, "durable": durable}[way]
    asked.clear()

    with pytest.raises(InvalidPayload) as refused:
        act(OrderChart.pay, **payload)

    assert problem in str(refused.value)
    assert "hidden" not in str(refused.value)
    assert asked == []


def test_a_payload_of_the_declared_types_is_taken_as_it_is(durable: Callable[..., object]) -> None:
    asked.clear()

    durable(OrderChart.pay, amount=Decimal(3), by=None, pin=SecretStr("hidden"))

    assert asked == [Decimal(3)]


@pytest.mark.parametrize("given", [4, "ann"])
def test_one_transition_of_an_event_that_takes_the_type_is_enough(given: object) -> None:
    assert OrderChart(Order()).fire(OrderChart.sign, key_=given).to_state == "draft"


def test_a_type_that_no_transition_takes_is_refused() -> None:
    with pytest.raises(
        InvalidPayload, match="'key_' of the type NoneType: Input should be a valid integer"
    ):
        in_memory(OrderChart.sign, key_=None)


def test_an_event_is_not_allowed_with_a_payload_of_another_type() -> None:
    machine = OrderChart(Order())
    paid = OrderChart(Order(state="paid"))
    asked.clear()

    assert machine.enabled(amount="3", key_=4) == ("sign",)
    assert machine.refusals(amount="3")["pay"] == (
        "the payload amount is of the type str: Input should be an instance of Decimal"
    )
    assert paid.enabled(amount="3") == ("refund",)
    assert asked == []


def test_an_event_that_is_not_allowed_is_refused_as_such() -> None:
    with pytest.raises(InvalidTransition):
        OrderChart(Order(state="paid")).fire(OrderChart.pay, amount="3")


def test_annotations_of_the_model_and_of_functions_count() -> None:
    def is_big(amount: int) -> bool:
        return amount > 3

    class Model(SimpleNamespace):
        def before_go(self, by: str) -> None: ...

    class Made(Chart):
        on = State(initial=True)
        off = State(final=True)
        go = Event(on.to(off, cond=is_big))

    for payload in ({"amount": "4", "by": "ann"}, {"amount": 4, "by": 3}):
        with pytest.raises(InvalidPayload):
            Made(Model(state="on")).fire(Made.go, **payload)
    assert Made(Model(state="on")).fire(Made.go, amount=4, by="ann").to_state == "off"
