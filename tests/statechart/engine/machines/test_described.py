"""Python-statemachine's attributes and renderers tell the same of a chart as of its own machines."""

from __future__ import annotations

from copy import copy
from typing import Any

import pytest
from statemachine import State, StateChart

from statechart import Chart, UnknownState


class Clerk:
    """A listener."""

    def on_enter_paid(self) -> None: ...


def order(base: type[StateChart[Any]]) -> StateChart[Any]:
    class Order(base):  # type: ignore[valid-type, misc]  # the same declaration for both
        listeners = [Clerk]  # noqa: RUF012  # as a chart's author writes it

        draft = State("As a draft", initial=True, exit="leave")
        paid = State(value=3)
        done = State(final=True)
        pay = draft.to(paid, cond="is_open", on="leave")
        look = paid.to.itself(internal=True, on="leave")
        end = paid.to(done)

        def is_open(self) -> bool:
            return True

        def leave(self) -> None: ...

        def on_enter_done(self) -> None: ...

    return Order()


@pytest.mark.parametrize("form", ["mermaid", "md", "rst"])
def test_a_machine_is_rendered_as_pythons_statemachine_renders_it(form: str) -> None:
    theirs, ours = order(StateChart), order(Chart)
    assert format(ours, form) == format(theirs, form)
    for machine in (theirs, ours):
        machine.send("pay")
    assert format(ours, form) == format(theirs, form)


def test_the_attributes_of_a_machine_tell_its_state() -> None:
    for base in (StateChart, Chart):
        machine = order(base)
        machine.send("pay")
        with pytest.deprecated_call():
            assert machine.current_state.id == "paid"
        told = (machine.current_state_value, list(machine.configuration_values), str(machine.configuration))
        assert told == (3, [3], "{Paid}")
        assert [event.id for event in machine.allowed_events] == ["look", "end"]
        assert [event.id for event in machine.enabled_events()] == ["look", "end"]
        assert machine.history_values == {}
        assert machine.paid.is_active
        assert not machine.draft.is_active


def test_a_state_that_the_chart_has_not_can_not_be_assigned() -> None:
    machine = order(Chart)
    with pytest.raises(UnknownState):
        machine.current_state_value = "piad"
    machine.current_state_value = 3
    assert machine.configuration_values == {3}


def test_a_rendered_machine_can_be_copied() -> None:
    machine = order(Chart)
    before = format(machine, "md")
    again = copy(machine)
    again.send("pay")
    assert format(again, "md") == before
    assert again.paid.is_active


def test_the_state_may_be_assigned_as_a_state() -> None:
    machine = order(Chart)
    with pytest.deprecated_call():
        machine.current_state = type(machine).paid  # type: ignore[attr-defined]
    assert machine.configuration_values == {3}
