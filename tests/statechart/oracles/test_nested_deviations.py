"""Where charts with states within states differ from python-statemachine, on purpose: each once by both."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from statemachine import StateChart

from statechart import Chart, HistoryState, State
from tests.statechart.oracles.built import STRICT


def both(declare: Callable[[type[Any], dict[str, Any]], Any]) -> tuple[Any, Any]:
    """Return a machine of python-statemachine, and one of this package, with one declaration."""
    return tuple(
        declare(base, flags)(SimpleNamespace(state=None, told=[]))
        for base, flags in ((StateChart, STRICT), (Chart, {"_is_loaded": True}))
    )


def leaves(machine: Any) -> list[str]:
    return [state.id for state in machine.configuration if not state.states]


def paused(base: type[Any], flags: dict[str, Any]) -> Any:
    class Paused(base):  # type: ignore[misc]
        locals().update(flags)

        class live(State.Compound):
            a = State(initial=True)
            b = State()
            past = HistoryState()
            turn = a.to(b)

        aside = State()
        pause = live.to(aside)
        resume = aside.to(live.past)
        turn_back = live.b.to(live.a)

        def on_resume(self, model: Any) -> None:
            model.told.append("resume")

    return Paused


def test_a_hook_of_a_transition_to_a_history_runs_once() -> None:
    def declare(base: type[Any], flags: dict[str, Any]) -> Any:
        class Default(base):  # type: ignore[misc]
            locals().update(flags)
            aside = State(initial=True)

            class live(State.Compound):
                a = State(initial=True)
                b = State()
                past = HistoryState()
                past.to(b)
                turn = a.to(b) | b.to(a)

            resume = aside.to(live.past)
            pause = live.to(aside)

            def on_resume(self, model: Any) -> None:
                model.told.append("resume")

        return Default

    theirs, ours = both(declare)
    for machine in (theirs, ours):
        machine.send("resume")

    assert (len(theirs.model.told), len(ours.model.told)) == (2, 1)
    assert leaves(ours) == leaves(theirs) == ["b"]


def test_a_history_without_memory_and_default_leads_to_the_initial_state() -> None:
    found = []
    for base, flags in ((StateChart, STRICT), (Chart, {"_is_loaded": True})):
        machine = paused(base, flags)(SimpleNamespace(state=None, told=[]))
        machine.send("pause")
        if base is Chart:
            machine.model.state = machine.model.state.model_copy(update={"history": {}})
        else:
            machine.history_values.clear()
        machine.send("resume")
        found.append((leaves(machine), machine.model.told))

    assert found == [([], ["resume"]), (["a"], ["resume"])]


def regions(base: type[Any], flags: dict[str, Any]) -> Any:
    class Regions(base):  # type: ignore[misc]
        locals().update(flags)
        idle = State(initial=True)

        class both(State.Parallel):
            class one(State.Compound):
                class deep(State.Compound):
                    a = State(initial=True)

            class two(State.Compound):
                b = State(initial=True)

        go = idle.to(both)
        back = both.to(idle, cond="asked")

        def asked(self, model: Any) -> bool:
            model.told.append("asked")
            return True

        def on_enter_state(self, model: Any, state: State) -> None:
            model.told.append(state.id)

    return Regions


def test_states_are_entered_in_document_order_though_their_levels_differ() -> None:
    theirs, ours = both(regions)
    for machine in (theirs, ours):
        machine.model.told.clear()
        machine.send("go")

    assert ours.model.told == ["both", "one", "deep", "a", "two", "b"]
    assert theirs.model.told != ours.model.told
    assert sorted(theirs.model.told) == sorted(ours.model.told)


def test_the_guard_of_a_state_around_is_asked_once() -> None:
    theirs, ours = both(regions)
    for machine in (theirs, ours):
        machine.send("go")
        machine.model.told.clear()
        machine.send("back")

    assert (theirs.model.told.count("asked"), ours.model.told.count("asked")) == (2, 1)


def test_an_error_in_a_later_microstep_undoes_the_first() -> None:
    def declare(base: type[Any], flags: dict[str, Any]) -> Any:
        class Failing(base):  # type: ignore[misc]
            locals().update(flags)
            idle = State(initial=True)
            passing = State()
            there = State(final=True)
            go = idle.to(passing)
            passing.to(there)

            def on_enter_there(self) -> None:
                raise ValueError("no")

        return Failing

    theirs, ours = both(declare)
    for machine in (theirs, ours):
        with pytest.raises(ValueError, match="no"):
            machine.send("go")

    assert leaves(theirs) == ["passing"]
    assert leaves(ours) == ["idle"]
