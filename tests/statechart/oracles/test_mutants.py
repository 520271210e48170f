"""Each of many wrong changes is found by an oracle."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from statechart import (
    Chart,
    ChartDefinitionError,
    HistoryState,
    InvalidTransition,
    State,
    Timer,
    Unstable,
)
from tests.statechart.oracles import flat, hierarchy
from tests.statechart.oracles.charts import flat_runs
from tests.statechart.oracles.declared import Declared, Step
from tests.statechart.oracles.golden.walks import EXPECTED, WALKS, JobChart, Library, Tank, walked
from tests.statechart.oracles.mutants import CALLS, FORM, MACROSTEP, MUTANTS, NESTED, RUNNING, TABLE
from tests.statechart.oracles.mutating import Mutant, applied
from tests.statechart.oracles.naive import Interpreter
from tests.statechart.oracles.nested_charts import nested_runs
from tests.statechart.oracles.rich_charts import rich_runs
from tests.statechart.oracles.scenes import SCENES
from tests.statechart.oracles.test_corners import CORNERS, Strict, run

Oracle = Callable[[], None]


@cache
def drawn(strategy: Callable[[], Any], count: int) -> list[Any]:
    """Return examples of a strategy, the same each time: of twice as many, those where most happens."""
    found: list[Any] = []

    @settings(max_examples=2 * count, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(strategy())
    def keep(example: Any) -> None:
        found.append(example)

    keep()
    return sorted(found, key=eventful)[-count:][::-1]


@cache
def nested(count: int) -> list[Any]:
    """Return runs of nested charts that are not refused."""
    found = []
    for chart, steps in (*drawn(nested_runs, count), *drawn(rich_runs, count)):
        with suppress(ChartDefinitionError):
            hierarchy.compare(chart, steps, refusable=False)
            found.append((chart, steps))
    return found


def eventful(example: tuple[Declared, list[Step]]) -> int:
    """Return how much happens in a run; histories and done events count more, as they are rare."""
    chart, steps = example
    naive = Interpreter(chart)
    happened = 0
    for step in steps:
        outcome = naive.start(step) if step.event == "__initial__" else naive.fire(step)
        if outcome.kind == "endless":
            return 0
        happened += outcome.kind == "done"
    done = sum(str(event).startswith("done") for *_, event in naive.trace)
    return happened + len(naive.calls) // 4 + 5 * bool(naive.memory) + 5 * bool(done)


class Undone(Chart[Any]):
    """A chart whose hook and validator change the model, before the event comes to nothing."""

    idle = State(initial=True)
    fail = idle.to.itself()
    refuse = idle.to.itself(validators="change", cond="never")

    def change(self, model: Any) -> None:
        model.count += 1
        model.names.append("b")

    def never(self) -> bool:
        return False

    def on_fail(self, model: Any) -> None:
        self.change(model)
        raise ValueError("no")


class Counting(Chart[Any]):
    """A chart that takes transitions without an event until it has counted enough."""

    idle = State(initial=True)
    counting = State()
    reached = State(final=True)
    begin = idle.to(counting)
    counting.to(counting, unless="is_enough", on="add")
    counting.to(reached, cond="is_enough")

    def add(self, model: Any) -> None:
        model.count += 1

    def is_enough(self, model: Any) -> bool:
        return bool(model.count >= model.enough)


class Waiting(Chart[Any]):
    """A chart with a history that leads somewhere at first, and a timer."""

    idle = State(initial=True)

    class live(State.Compound):
        one = State(initial=True)
        two = State()
        before = HistoryState()
        before.to(two, on="add")
        turn = one.to(two) | two.to(one)

    begin = idle.to(live.before)
    rest = live.to(idle)
    timers = (Timer(live, after=timedelta(hours=1), event=rest),)

    def add(self, model: Any) -> None:
        model.count += 1


@dataclass(frozen=True)
class Judges:
    """The oracles, with as many random charts as they are given."""

    charts: int

    def flat_charts(self) -> None:
        for chart, steps in drawn(flat_runs, self.charts):
            flat.compare(chart, steps, engine=False)

    def nested_charts(self) -> None:
        for chart, steps in (*SCENES, *nested(self.charts // 8)):
            hierarchy.compare(chart, steps, refusable=False)

    def limits(self) -> None:
        """Check that a macrostep ends after 1,000 microsteps, and not before."""
        for count, ends in ((998, "reached"), (999, Unstable)):  # and two more
            machine = Counting(SimpleNamespace(state=None, count=0, enough=count))
            try:
                found: object = machine.fire(Counting.event("begin")).to_state
            except Unstable:
                found = Unstable
            same((found, machine.model.count), (ends, count if ends == "reached" else 0))

    def waiting(self) -> None:
        """Check that a timer runs while its state is active, and a default is entered with its hooks."""
        Waiting._programs.clear()
        machine = Waiting(SimpleNamespace(state=None, count=0))
        for event, leaf, timers in (
            ("begin", "two", ["live.rest"]),
            ("turn", "one", ["live.rest"]),
            ("rest", "idle", []),
            ("begin", "one", ["live.rest"]),
        ):
            machine.fire(Waiting.event(event))
            state = machine.model.state
            same((state.active, [*state.timers], machine.model.count), ((leaf,), timers, 1))

    def corners(self) -> None:
        for name in CORNERS:
            same(run(CORNERS[name], Chart), as_by_the_engine(name))

    def undone(self) -> None:
        """Check that what hooks and validators changed is put back, if one of them raises or refuses."""
        for event in ("fail", "refuse"):
            held = SimpleNamespace(state="idle", count=0, names=["a"])
            machine = Undone(held)
            with suppress(ValueError, InvalidTransition):
                machine.fire(Undone.event(event))
            same(vars(held), {"state": "idle", "count": 0, "names": ["a"]})

    def golden(self) -> None:
        for chart in (Library, Tank, JobChart):  # what was compiled without the mutant
            chart._programs.clear()
            chart._kept.machines.clear()
        expected = json.loads(EXPECTED.read_text())
        for walk in WALKS:
            same(walked(walk), expected[walk])

    def of(self, module: str) -> tuple[Oracle, ...]:
        """Return the oracles of a module, that which finds most of its mutants first."""
        if module in (MACROSTEP, NESTED, FORM, RUNNING):
            return self.waiting, self.nested_charts, self.limits
        if module == TABLE:
            return self.nested_charts, self.golden, self.flat_charts
        return self.undone, self.golden, self.corners, self.flat_charts, self.nested_charts

    def survivors(self) -> list[str]:
        """Return the names of the mutants that no oracle finds, and of the oracles that find the truth."""
        wrong = [
            oracle.__name__
            for oracle in (*self.of(MACROSTEP), *self.of(TABLE), *self.of(CALLS))
            if found(oracle)
        ]
        return wrong + [mutant.name for mutant in MUTANTS if not self.find(mutant)]

    def find(self, mutant: Mutant) -> bool:
        with applied(mutant):
            return any(map(found, self.of(mutant.module)))


def same(one: object, other: object) -> None:
    if one != other:  # pytest would tell each difference at length
        raise flat.Different("Chart", "a walk", "what happened", other, one)


def found(oracle: Oracle) -> bool:
    try:
        oracle()
    except (Exception, KeyboardInterrupt):
        return True
    return False


@cache
def as_by_the_engine(corner: str) -> list[Any]:
    return run(CORNERS[corner], Strict)


def test_each_mutant_is_found() -> None:
    assert len(MUTANTS) > 80
    assert Judges(40).survivors() == []


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_each_mutant_is_found_by_more_charts() -> None:
    assert Judges(500).survivors() == []
