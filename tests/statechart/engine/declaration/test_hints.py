"""What guards and hooks declare of their parameters is compared with what they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import wraps
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    NewType,
    Protocol,
    SupportsInt,
    TypedDict,
    TypeVar,
)

import pytest
from pydantic import BaseModel, Field, SecretStr

from statechart import Chart, ChartDefinitionError, Event, State
from statechart.engine.declaration.hints import fits, problem

if TYPE_CHECKING:
    from nowhere import Absent


class Colour(Enum):
    RED = "red"


class Plain:
    pass


class Base(BaseModel):
    state: str = "on"


class Order(Base):
    pass


class Invoice(Base):
    pass


class Stateful(Protocol):
    state: str


class Keys(TypedDict):
    a: int


Positive = Annotated[Decimal, Field(gt=0)]

FITTING: list[tuple[Any, Any]] = [
    (int, 1),
    (int, True),
    (float, 1),
    (int | None, None),
    (None, None),
    (Positive, Decimal(1)),
    (list[int], [1]),
    (tuple[int, ...], (1, 2)),
    (tuple[int, str], (1, "a")),
    (dict[str, int], {"a": 1}),
    (Sequence[str], ["a"]),
    (Iterable[int], iter("a")),
    (Mapping[str, Any], {"a": 1}),
    (Callable[[int], str], print),
    (Literal["a", "b"], "b"),
    (SecretStr, SecretStr("a")),
    (Colour, Colour.RED),
    (Plain, Plain()),
    (Order, Order()),
    (Base, Order()),
    (Keys, {"a": 1}),
    (date, datetime(2026, 1, 1)),
    (TypeVar("T"), 3),
    (SupportsInt, "a"),
    (Any, 3),
    (type[Plain], Plain),
]

OTHERS: list[tuple[Any, Any, str]] = [
    (int, "1", "Input should be a valid integer"),
    (Decimal, 1, "Input should be an instance of Decimal"),
    (Positive, Decimal(-1), "Input should be greater than 0"),
    (Positive, "1", "Input should be an instance of Decimal"),
    (int | str, None, "int: Input should be a valid integer"),
    (list[int], [1, "a"], "1: Input should be a valid integer"),
    (list[int], (1,), "Input should be a valid list"),
    (tuple[int, str], (1,), "1: Field required"),
    (dict[str, int], {"a": "b"}, "a: Input should be a valid integer"),
    (Literal["a"], "c", "Input should be 'a'"),
    (SecretStr, "a", "Input should be an instance of SecretStr"),
    (Colour, "red", "Input should be an instance of Colour"),
    (Plain, 3, "Input should be an instance of Plain"),
    (Order, {"state": "on"}, "Input should be an instance of Order"),
    (NewType("Number", int), "a", "Input should be a valid integer"),
    (None, 3, "Input should be None"),
]


@pytest.mark.parametrize(("annotation", "value"), FITTING, ids=range(len(FITTING)))
def test_a_value_of_the_type_fits(annotation: Any, value: object) -> None:
    assert fits(value, annotation)


@pytest.mark.parametrize(("annotation", "value", "told"), OTHERS, ids=range(len(OTHERS)))
def test_a_value_of_another_type_is_told_in_the_words_of_pydantic(
    annotation: Any, value: object, told: str
) -> None:
    assert not fits(value, annotation)
    assert problem(value, annotation) == told


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


def chart_of(cond: Any = None, **body: Any) -> type[Chart[Order]]:
    class Made(Chart[Order]):
        on = State(initial=True)
        off = State(final=True)
        stop = Event(on.to(off, cond=cond))

        vars().update(body)

    return Made


def exact(self: object, model: Order) -> bool:
    return True


def general(self: object, model: Base | None, amount: int = 0) -> bool:
    return True


def structural(self: object, model: Stateful) -> bool:
    return True


def of_checkers_only(self: object, model: Absent) -> bool:
    return True


def other(self: object, model: Invoice) -> bool:
    return True


def otherwise(self: object, model: Annotated[Invoice, "an invoice"] | None) -> bool:
    return True


@pytest.mark.parametrize("function", [exact, general, structural, of_checkers_only, wrapped(exact)])
def test_a_model_of_the_declared_class_is_taken(function: Any) -> None:
    assert chart_of("is_ok", is_ok=function, on_stop=function)


@pytest.mark.parametrize(
    "body",
    [
        {"cond": "is_ok", "is_ok": other},
        {"cond": other},
        {"on_stop": otherwise},
        {"on_stop": wrapped(other)},
        {"listeners": [type("Listens", (), {"after_stop": other})]},
    ],
    ids=["guard", "function", "hook", "decorated", "listener"],
)
def test_a_guard_or_hook_that_takes_another_model_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(
        ChartDefinitionError, match=r"of the type .*Invoice.*, but models of the chart are"
    ) as refused:
        chart_of(**body)

    assert "of the class Order: annotate it with Order" in str(refused.value)


def test_an_evolve_that_takes_another_value_is_refused() -> None:
    def evolve(self: object, value: Invoice, transition: object) -> Invoice:
        return value

    with pytest.raises(ChartDefinitionError, match="evolve takes a value of the type Invoice, but models"):
        chart_of(evolve=evolve)


def test_a_hook_that_takes_its_payload_by_position_is_refused() -> None:
    with pytest.raises(
        ChartDefinitionError, match="on_stop takes 'amount' by position; hooks are called by name: r"
    ):
        chart_of(on_stop=lambda self, amount, /: None)


async def later(self: object, value: Order, transition: object) -> Order:
    return value


@pytest.mark.parametrize(
    ("evolve", "problem"),
    [
        (
            lambda self, value: value,
            r"evolve can't be called \(.*\): declare it as evolve\(self, value, transition\)",
        ),
        (lambda self, value, transition, more: value, "evolve can't be called"),
        (staticmethod(lambda self, value, transition: value), "evolve can't be called"),
        (True, "evolve is a bool: declare it as"),
        (later, "evolve is async"),
    ],
    ids=["partial", "more", "static", "value", "async"],
)
def test_an_evolve_that_cannot_be_called_is_refused(evolve: Any, problem: str) -> None:
    with pytest.raises(ChartDefinitionError, match=problem):
        chart_of(evolve=evolve)


def test_a_static_evolve_is_taken() -> None:
    assert chart_of(evolve=staticmethod(lambda value, transition: value))
