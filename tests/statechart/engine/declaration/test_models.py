"""A model that can't hold the states of its chart is refused with the chart's class."""

from __future__ import annotations

from enum import Enum, StrEnum
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from statechart import Chart, ChartDefinitionError, Event, State


class Kind(StrEnum):
    ON = "on"
    OFF = "off"


def model_of(kind: Any, **default: Any) -> type[BaseModel]:
    return type("Lamp", (BaseModel,), {"__annotations__": {"state": kind}, **default})


def chart_of(model: Any, on: Any = None, off: Any = None) -> type[Chart[Any]]:
    class Made(Chart[model]):  # type: ignore[valid-type]
        lit = State(value=on or "on", initial=True)
        out = State(value=off or "off", final=True)
        stop = Event(lit.to(out))

    return Made


class Sate(BaseModel):
    sate: str = "on"


class Stateless:
    pass


MISTAKES: dict[str, tuple[Any, str]] = {
    "misspelt": (Sate, "models of the class Sate have no state: did you mean 'sate'?"),
    "none": (Stateless, "models of the class Stateless have no state: give it a field `state`"),
    "default": (
        model_of(str, state="onn"),
        "Lamp.state has a wrong default: Made has no state 'onn': did you mean 'on'?",
    ),
    "narrow": (
        model_of(Literal["on"]),
        "Lamp.state can't be the state 'off' (Input should be 'on'): widen",
    ),
    "other": (model_of(int), "Lamp.state can't be the state 'on' (Input should be a valid integer"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_model_that_cannot_hold_the_states_is_refused(mistake: str) -> None:
    model, problem = MISTAKES[mistake]

    with pytest.raises(ChartDefinitionError) as refused:
        chart_of(model)

    assert f"chart Made: {problem}" in str(refused.value)


SOUND: list[tuple[Any, Any, Any]] = [
    (model_of(str), "on", "off"),
    (model_of(str | None, state=None), "on", "off"),
    (model_of(Literal["on", "off"], state="off"), "on", "off"),
    (model_of(Kind, state=Kind.ON), "on", "off"),
    (model_of(Kind, state=Kind.ON), Kind.ON, Kind.OFF),
    (model_of(str), Kind.ON, Kind.OFF),
    (model_of(int, state=2), 1, 2),
    (model_of(Any), Enum("Plain", "on off").on, Enum("Plain", "on off").off),  # type: ignore[attr-defined]
    (SimpleNamespace, "on", "off"),
]


@pytest.mark.parametrize(("model", "on", "off"), SOUND, ids=range(len(SOUND)))
def test_a_model_that_can_hold_the_states_is_taken(model: Any, on: Any, off: Any) -> None:
    assert chart_of(model, on, off).model_class() is model


def test_a_model_of_a_class_that_is_declared_later_is_taken() -> None:
    later = type("Later", (BaseModel,), {"__annotations__": {"state": "Unheard"}})

    assert chart_of(later).model_class() is later
