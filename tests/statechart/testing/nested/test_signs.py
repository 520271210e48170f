"""States whose names have the sign in them that stands between active states."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from statechart import Chart, Configuration, HistoryState, State
from statechart.configuration import states_in, typed_states
from statechart.testing import Driver, matrix, paths


class Sum(BaseModel):
    state: Configuration | None = None


class SumChart(Chart[Sum]):
    class both(State.Parallel, initial=True):
        class left(State.Compound):
            one = State(initial=True, value="a+b")
            two = State(value="c++")
            add = one.to(two)

        class right(State.Compound):
            a = State(initial=True)
            b = State()
            step = a.to(b)

        past = HistoryState(type="deep")
        past.to(left)

    paused = State()
    pause = both.to(paused)
    resume = paused.to(both.past)


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("a+b", ["a+b"]),
        ("a+b + a", ["a+b", "a"]),
        ("a+b+b", ["a+b", "b"]),
        ("c+++a", ["c++", "a"]),
        ("b+a+b", ["b", "a+b"]),
        ("a + nothing", ["a", "nothing"]),
    ],
)
def test_a_typed_text_names_states(text: str, states: list[str]) -> None:
    assert list(typed_states(SumChart, text)) == states


def test_a_text_with_an_unknown_state_names_none() -> None:
    assert states_in("a + nothing", {"a", "b"}) == ()


def test_drivers_and_the_matrix_take_such_states() -> None:
    driver = Driver(SumChart, state="a+b + b", remembers={"past": "c++ + a"})

    driver.expect("a+b+b")
    driver.fire("add").expect("c++ + b")
    for cell in matrix(SumChart, model=Sum):
        cell.check()
    for path in paths(SumChart, model=Sum):
        path.drive()
