"""The payload of an event is recorded as JSON, without secrets and without the keywords left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, Secret, SecretBytes, SecretStr, field_serializer

from statechart import (
    Chart,
    ChartDefinitionError,
    Event,
    InvalidValue,
    JsonFileRepository,
    State,
    Transition,
    UnknownPayload,
    fire,
)


class Order(BaseModel, frozen=True):
    state: str = "draft"


def chart_of(record: Any = True, **body: Any) -> type[Chart[Order]]:
    class Made(Chart[Order]):
        record_payload = record
        draft = State(initial=True)
        paid = State(final=True)
        pay = Event(draft.to(paid))

        vars().update(body)

    return Made


Pay = Callable[..., dict[str, Any]]


@pytest.fixture
def pay(tmp_path: Path) -> Pay:
    """Fire one event, and return the data of the last record."""
    repository = JsonFileRepository(tmp_path, Order)
    repository.create("x", Order())

    def pay(chart: type[Chart[Order]] | None = None, /, **payload: Any) -> dict[str, Any]:
        chart = chart or chart_of()
        try:
            with repository.open("x") as session:
                fire(session, chart, chart.event("pay"), **payload)
        except (InvalidValue, UnknownPayload):
            assert len(repository.history("x")) == 1
            raise
        return repository.history("x")[-1].data

    return pay


class Colour(Enum):
    RED = "red"


class Line(BaseModel):
    article: str
    price: Decimal


@dataclass
class Place:
    city: str


def test_a_payload_is_recorded_as_json(pay: Pay) -> None:
    payload = pay(
        by="ann",
        amount=Decimal("1.50"),
        at=datetime(2026, 1, 1, tzinfo=UTC),
        within=timedelta(minutes=5),
        colour=Colour.RED,
        order=UUID(int=1),
        raw=b"abc",
        line=Line(article="pen", price=Decimal(2)),
        places=(Place("Oslo"),),
        nothing=None,
        ratio=float("nan"),
    )["payload"]

    assert payload == {
        "by": "ann",
        "amount": "1.50",
        "at": "2026-01-01T00:00:00Z",
        "within": "PT5M",
        "colour": "red",
        "order": "00000000-0000-0000-0000-000000000001",
        "raw": "abc",
        "line": {"article": "pen", "price": "2"},
        "places": [{"city": "Oslo"}],
        "nothing": None,
        "ratio": "NaN",
    }


def test_a_record_without_a_payload_has_no_key_for_it(pay: Pay) -> None:
    assert pay() == {"event": "pay", "from_state": "draft", "to_state": "paid"}


class Card(BaseModel):
    number: str
    pin: SecretStr

    @field_serializer("pin", when_used="json")
    def revealed(self, pin: SecretStr) -> str:
        return pin.get_secret_value()


@dataclass
class Login:
    password: SecretStr


SECRETS: dict[str, Any] = {
    "a string": SecretStr("hidden-value"),
    "bytes": SecretBytes(b"hidden-value"),
    "a number": Secret[int](471147),
    "a list": Secret[list[str]](["hidden-value"]),
    "in a list": [SecretStr("hidden-value")],
    "in a mapping": {"deep": {"er": SecretStr("hidden-value")}},
    "as a key": {SecretStr("hidden-value"): 1},
    "in a dataclass": Login(SecretStr("hidden-value")),
    "in a model that reveals it": [Card(number="3", pin=SecretStr("hidden-value"))],
    "within another text": {"login": Login(SecretStr("hidden-value")), "url": "http://a:hidden-value@host"},
}


@pytest.mark.parametrize("case", SECRETS)
def test_a_secret_is_never_recorded(case: str, pay: Pay, tmp_path: Path) -> None:
    payload = pay(given=SECRETS[case])["payload"]

    written = (tmp_path / "x" / "history.jsonl").read_text()
    assert "hidden-value" not in written
    assert "471147" not in written
    assert "**********" in str(payload)


def circular() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


UNWRITABLE: dict[str, tuple[Any, str]] = {
    "a function": (print, "Unable to serialize unknown type: <class 'builtin_function_or_method'>"),
    "an iterator": (iter([1]), "a list_iterator can be read only once"),
    "bytes that are no text": (b"\xff", "invalid utf-8"),
    "half a pair": ("\ud800", "surrogates not allowed"),
    "a circle": (circular(), "Circular reference"),
}


@pytest.mark.parametrize("case", UNWRITABLE)
def test_a_payload_that_json_cannot_hold_is_refused_before_anything_is_written(case: str, pay: Pay) -> None:
    value, problem = UNWRITABLE[case]

    with pytest.raises(InvalidValue) as refused:
        pay(given=value)

    assert "can't be saved: JSON can't hold the payload 'given' (" in str(refused.value)
    assert problem in str(refused.value)
    assert "leave it out of the record: `record_payload = {'given'}` in Made; nothing was" in str(
        refused.value
    )


def test_a_chart_leaves_keywords_out_of_the_record(pay: Pay) -> None:
    chart = chart_of({"logger"}, on_pay=lambda self, logger: logger("paid"))

    assert pay(chart, logger=lambda text: None, by="ann")["payload"] == {"by": "ann"}


@pytest.mark.parametrize("choice", [False, {"logger"}], ids=["all", "the only one"])
def test_a_chart_that_leaves_all_out_records_no_payload(choice: Any, pay: Pay) -> None:
    chart = chart_of(choice, on_pay=lambda self, logger: logger("paid"))

    assert "payload" not in pay(chart, logger=lambda text: None)


def test_a_keyword_that_nothing_takes_and_no_record_holds_is_refused(pay: Pay) -> None:
    chart = chart_of(False, on_pay=lambda self, amount: None)

    with pytest.raises(UnknownPayload) as refused:
        pay(chart, amount=1, colour="red")

    assert str(refused.value) == (
        "pay of Made takes no payload 'colour', and record_payload leaves it out of the record: "
        "known are amount"
    )
    assert pay(chart, amount=1) == {"event": "pay", "from_state": "draft", "to_state": "paid"}


def test_a_keyword_that_evolve_reads_is_not_lost(pay: Pay) -> None:
    def evolve(self: object, value: Order, transition: Transition) -> Order:
        assert transition.payload["colour"] == "red"
        return value.model_copy(update={"state": transition.to_value})

    assert "payload" not in pay(chart_of(False, evolve=evolve), colour="red")


CHOICES: dict[str, tuple[Any, str]] = {
    "a string": ("pin", "record_payload is 'pin': give True, False, or a set of the keywords that"),
    "no set": (None, "record_payload is a NoneType: give True, False, or a set"),
    "nothing": ((), "record_payload is (): give True, False, or a set"),
    "no names": ({1}, "record_payload is {1}: give True, False, or a set"),
    "misspelt": (
        {"pasword"},
        "has 'pasword', which no guard or hook takes: did you mean 'password'?",
    ),
}


@pytest.mark.parametrize("case", CHOICES)
def test_a_choice_that_leaves_nothing_out_is_refused_with_the_class(case: str) -> None:
    choice, problem = CHOICES[case]

    with pytest.raises(ChartDefinitionError) as refused:
        chart_of(choice, on_pay=lambda self, password: None)

    assert problem in str(refused.value)
