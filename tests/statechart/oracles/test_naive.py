"""The naive interpreter is right about hierarchy: as SCXML says, and as python-statemachine does."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from statemachine import StateChart
from statemachine.exceptions import TransitionNotAllowed
from statemachine.orderedset import OrderedSet

from tests.statechart.oracles.built import Built
from tests.statechart.oracles.declared import Declared, Node, Step, Way
from tests.statechart.oracles.naive import Interpreter
from tests.statechart.oracles.nested_charts import nested_runs
from tests.statechart.oracles.scenes import ORDER


def compare(chart: Declared, steps: list[Step], counted: Counter[str]) -> None:
    """Run a chart by the naive interpreter and by python-statemachine, in document order."""
    naive = Interpreter(chart)
    if naive.start(steps[0]).kind == "endless":
        counted["endless"] += 1
        return
    built = Built(chart, StateChart)
    in_document_order(built)
    built.prepare(steps[0])
    machine = built.cls(built.model)
    counted["charts"] += 1
    for step in steps:
        found = "done"
        if step.event != "__initial__":
            naive.calls.clear()
            built.world.calls.clear()
            built.prepare(step)
            expected = naive.fire(step).kind
            if expected == "endless":
                counted["endless"] += 1
                return
            try:
                machine.send(step.event)
            except TransitionNotAllowed:
                found = "refused"
            assert found == expected, step
        assert traced(built.world.calls) == traced(naive.calls), step
        assert {state.id for state in machine.configuration if state.is_atomic} == set(naive.leaves)
        counted[found] += 1
        counted["with history"] += bool(naive.memory)
        counted["with done events"] += any(str(event).startswith("done") for *_, event in naive.trace)
        naive.trace.clear()
        if not naive.running:
            return


def in_document_order(built: Built) -> None:
    """Correct the order of python-statemachine's states, and that of its active states."""
    order = {}
    for place, node in enumerate(built.declared.all_nodes()):
        # It numbers the states of each level anew, so that cousins are not in order.
        built._states[node.id].document_order = order[built._states[node.id].value] = place

    def keep(model: Any, held: Any) -> None:
        several = isinstance(held, OrderedSet)
        vars(model)["state"] = OrderedSet(sorted(held, key=order.__getitem__)) if several else held

    # It tries active states in the order in which they came, so that the past decides conflicts.
    type(built.model).state = property(lambda model: vars(model)["state"], keep)


def traced(calls: list[object]) -> list[object]:
    # It asks the guard of an ancestor once for each active leaf.
    return [call[:2] for call in calls if call[0].rpartition(".")[2] not in ("ready", "able")]  # type: ignore[index]


# Shrinking a chart takes minutes; the first one that is found is small enough to be read.
UNHURRIED = settings(
    suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.reuse, Phase.generate)
)


@settings(UNHURRIED, max_examples=25)
@given(nested_runs())
def test_nested_charts_do_the_same(run: tuple[Declared, list[Step]]) -> None:
    compare(*run, Counter())


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_many_nested_charts_do_the_same() -> None:
    counted: Counter[str] = Counter()

    @settings(UNHURRIED, max_examples=3000, derandomize=False, database=None)
    @given(nested_runs())
    def agree(run: tuple[Declared, list[Step]]) -> None:
        compare(*run, counted)

    agree()
    print(dict(counted))


def ordered(*events: str) -> Interpreter:
    machine = Interpreter(ORDER)
    machine.start()
    for event in events:
        assert machine.fire(Step(event)).kind == "done"
    machine.calls.clear()
    machine.trace.clear()
    return machine


def test_states_are_left_and_entered_in_document_order() -> None:
    machine = ordered("place")

    machine.fire(Step("pause"))

    left = [state for sign, state, _ in machine.trace if sign == "-"]
    assert left == ["packing", "ship", "due", "pay", "work", "open"]


def test_a_deep_history_returns_to_the_leaves() -> None:
    machine = ordered("place", "pack", "settle", "pause")

    machine.fire(Step("resume"))

    assert machine.leaves == ("paid", "packed")


def test_a_history_without_memory_is_the_initial_state_of_its_parent() -> None:
    machine = ordered()
    machine.active = [machine.by_id["paused"]]

    machine.fire(Step("resume"))

    assert machine.leaves == ("due", "packing")


def test_the_done_event_of_a_parallel_state_belongs_to_the_event_that_caused_it() -> None:
    machine = ordered("place", "pack", "settle")

    assert machine.fire(Step("ship_it")).kind == "done"

    assert machine.leaves == ("done",)
    assert [event for sign, state, event in machine.trace if state == "done"] == ["done.state.work"]
    assert machine.calls[-1][0] == "chart.after_ship_it"


def test_an_error_of_a_later_microstep_undoes_the_whole_event() -> None:
    machine = ordered("place", "pack", "settle")

    outcome = machine.fire(Step("ship_it", raises="chart.on_enter_done"))

    assert (outcome.kind, outcome.phase) == ("raised", "enter")
    assert machine.leaves == ("paid", "packed")
    assert "chart.after_ship_it" not in [label for label, *_ in machine.calls]


def test_an_endless_event_is_given_up() -> None:
    machine = Interpreter(Declared((Node("a"), Node("b")), (Way("a", ("b",)), Way("b", ("a",)))))

    assert machine.start().kind == "endless"
