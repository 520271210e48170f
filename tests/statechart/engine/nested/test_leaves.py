"""A refusal has a reason for each active state that refused the event."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from statechart import Chart, InternalEvent, InvalidTransition, State, UnknownEvent
from statechart.engine.nested.selections import TooMany, selections
from statechart.stored.session import allowed_by
from statechart.testing import Driver


class Machine(Chart):
    off = State(initial=True)

    class running(State.Parallel):
        class heater(State.Compound):
            cold = State(initial=True)
            hot = State(final=True)
            go = cold.to(hot, cond="has_power") | cold.to.itself(cond="has_fuel")

        class pump(State.Compound):
            still = State(initial=True)
            turning = State(final=True)
            go = still.to(turning, cond="has_water")

        class lamp(State.Compound):
            dark = State(initial=True)
            lit = State(final=True)
            light = dark.to(lit)

    broken = State(final=True)

    start = off.to(running)
    smash = running.to(broken, cond="has_hammer")
    done_state_running = running.to(broken)

    def has_power(self) -> bool:
        """There is no power."""
        return bool(self.model.power)

    def has_fuel(self) -> bool:
        """There is no fuel."""
        return False

    def has_water(self) -> bool:
        """There is no water."""
        return bool(self.model.water)

    def has_hammer(self, hammer: str = "") -> bool:
        """There is no hammer."""
        return bool(hammer)


@pytest.fixture
def machine() -> Any:
    return Driver(Machine, power=False, water=False).fire("start").machine


def test_each_active_state_that_refuses_has_a_reason(machine: Any) -> None:
    with pytest.raises(InvalidTransition) as refused:
        machine.fire("go")

    error = refused.value
    assert error.leaves == ("cold", "still")
    assert error.reasons == ("there is no power or there is no fuel", "there is no water")
    assert error.targets == ("hot or cold", "turning")
    assert error.reason == error.reasons[0]
    assert str(error) == (
        "cannot go in state cold + still + dark: in cold: there is no power or there is no fuel; "
        "in still: there is no water; allowed now is light"
    )
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)


def test_one_reason_of_all_is_said_once(machine: Any) -> None:
    with pytest.raises(InvalidTransition) as refused:
        machine.fire("smash")

    assert str(refused.value).endswith("dark: there is no hammer; allowed now is light")
    assert refused.value.leaves == ("cold", "still", "dark")
    assert refused.value.reasons == ("there is no hammer",) * 3


def test_an_event_that_no_active_state_takes_has_no_reason(machine: Any) -> None:
    with pytest.raises(InvalidTransition) as refused:
        machine.fire("start")

    assert (refused.value.reason, refused.value.reasons, refused.value.leaves) == (None, (), ())


def test_one_region_that_takes_an_event_is_enough(machine: Any) -> None:
    machine.model.water = True

    machine.fire("go")

    assert str(machine.model.state) == "cold + turning + dark"


def test_allowed_has_the_reasons_by_state(machine: Any) -> None:
    allowed = allowed_by(machine, {})

    assert allowed.events == ("light",)
    assert allowed.refused["go"] == (
        "in cold: there is no power or there is no fuel; in still: there is no water"
    )
    assert dict(allowed.leaves["go"]) == {
        "cold": "there is no power or there is no fuel",
        "still": "there is no water",
    }
    assert allowed.refused["start"] == "not declared in state cold + still + dark"
    assert "start" not in allowed.leaves


def test_events_that_the_chart_raises_are_neither_allowed_nor_refused_but_refused_by_name(
    machine: Any,
) -> None:
    allowed = allowed_by(machine, {})

    assert not {"done_state_running", "done.state.running"} & {*allowed.events, *allowed.refused}
    for name in ("done_state_running", "done.state.running"):
        with pytest.raises(UnknownEvent):
            machine.send(name)
    with pytest.raises(InternalEvent, match="raises done_state_running itself"):
        Machine.event("done_state_running")


def test_guards_choose_for_each_region_and_a_way_without_one_is_sure(machine: Any) -> None:
    table = vars(Machine)["_table"]
    form = vars(Machine)["_form"]
    active = form.read(machine.model.state).active

    found = selections(table, active, "go", {})

    sources = [sorted(form.texts(1 << way.source)[0] for way in ways) for ways in found]
    assert sources == [
        ["cold", "still"],
        ["cold"],
        ["cold", "still"],
        ["cold"],
        ["still"],
        [],
    ]
    assert [len(ways) for ways in selections(table, active, "light", {})] == [1]


def test_too_many_answers_of_guards_are_not_looked_at() -> None:
    regions = {
        f"region{number}": type(
            f"region{number}",
            (State.Compound,),
            {
                f"a{number}": (here := State(initial=True)),
                f"b{number}": (there := State()),
                "go": here.to(there, cond="may"),
            },
        )
        for number in range(10)
    }
    wide = type(
        "Wide", (Chart,), {"top": type("top", (State.Parallel,), regions), "may": lambda self: True}
    )
    table = vars(wide)["_table"]

    with pytest.raises(TooMany):
        selections(table, table.beginning().configuration, "go", {})
