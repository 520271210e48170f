"""Models, commits and charts are freed with their last reference."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partialmethod
from typing import Any
from weakref import ref

import pytest
from pydantic import BaseModel

from statechart import Chart, State
from statechart.engine import calls


class Door:
    """A model that brings guards of its own, made anew for each object and for each question."""

    def __init__(self) -> None:
        self.state: str | None = None
        self.is_mine = lambda: self.state is not None

    def _is(self, wanted: bool = False) -> bool:
        return wanted

    is_good = partialmethod(_is, wanted=True)


class Plain:
    state: str | None = None
    is_mine = is_good = True


def door_chart() -> type[Chart[Any]]:
    class DoorChart(Chart[Any]):
        shut = State(initial=True)
        opened = State()
        open = shut.to(opened, cond="is_mine and is_good")
        shut_again = opened.to(shut)

        def on_open(self, hard: bool = False) -> None: ...

    return DoorChart


def test_nothing_is_remembered_of_models_and_events() -> None:
    chart = door_chart()
    chart(Door()).send("open")
    known = len(calls._known_parameters)

    doors = [Door() for _ in range(5)]
    for door in doors:
        machine = chart(door)
        for _ in range(3):
            machine.send("open", hard=True)
            machine.send("shut_again")
    left = [ref(door) for door in doors]
    del doors, door, machine
    gc.collect()

    assert [door() for door in left] == [None] * 5
    assert len(calls._known_parameters) <= known


def test_a_machine_of_a_value_leaves_no_garbage() -> None:
    class Order(BaseModel):
        state: str | None = None

    class OrderChart(Chart[Order]):
        draft = State(initial=True)
        paid = State(final=True)
        pay = draft.to(paid)

        def on_pay(self) -> None: ...

    gc.collect()
    gc.disable()
    try:
        order = Order()
        OrderChart(order).send("pay")
        left = ref(order)
        del order
        assert left() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("build", [lambda chart: chart(Plain()), lambda chart: chart.bound(Plain())])
def test_a_chart_is_freed(build: Callable[[type[Chart[Any]]], Chart[Any]]) -> None:
    charts = [door_chart() for _ in range(3)]
    left = [ref(chart) for chart in charts]
    for chart in charts:
        build(chart).send("open")
    del charts, chart
    gc.collect()

    # The registry of python-statemachine knows the last chart of each name.
    assert [chart() for chart in left[:-1]] == [None] * 2
