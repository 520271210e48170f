"""A run of a nested chart by `Chart` and by the naive interpreter, compared after each event."""

from __future__ import annotations

from collections import Counter
from typing import Any

from statechart import Configuration
from statechart.errors import ChartDefinitionError, Unstable
from tests.statechart.oracles.built import ChartRun
from tests.statechart.oracles.declared import Declared, Step
from tests.statechart.oracles.flat import Different, _as_chart, _outcome
from tests.statechart.oracles.naive import Endless, Interpreter, Outcome


def compare(
    chart: Declared,
    steps: list[Step],
    counted: Counter[str] | None = None,
    *,
    refusable: bool = True,
) -> None:
    """Run a nested chart by both, and compare them after each event.

    After each, the machine is built anew from the JSON of its configuration. Charts whose states can't be
    reached are refused, and left out if `refusable`.

    Raises:
        Different: They disagree.
    """
    counted = Counter() if counted is None else counted
    naive = Interpreter(chart)
    began = naive.start(steps[0])
    try:
        run = ChartRun(chart, steps[0])
    except ChartDefinitionError:
        if not refusable:
            raise
        counted["refused charts"] += 1
        return
    except (Unstable, Endless):
        _same("start", "outcome", began.kind, "endless")
        counted["endless"] += 1
        return
    if began.kind == "endless":  # which the interpreter says early
        return
    _same("start", "outcome", began.kind, "done")
    _same(
        "start", "calls", [call[:2] for call in naive.calls], [call[:2] for call in run.built.world.calls]
    )
    counted["charts"] += 1
    _compare_standing("start", run, naive)
    for step in steps[1:]:
        naive.calls.clear()
        naive.trace.clear()
        expected = naive.fire(step)
        counted[expected.kind] += 1
        counted["calls"] += len(naive.calls)
        counted["with done events"] += any(str(event).startswith("done") for *_, event in naive.trace)
        counted["with history"] += bool(naive.memory)
        if not _agrees(run, step, expected, naive):
            return
        _compare_standing(step, run, naive)
        _build_anew(run, step)


def _agrees(run: ChartRun, step: Step, expected: Outcome, naive: Interpreter) -> bool:
    """Fire an event, and compare what happens; return False if the run can't go on."""
    told: list[Any] = []
    run.machine.commit = _Noted(run.machine.commit, told)
    run.built.world.calls.clear()
    if expected.kind == "endless":
        try:
            run.fire(step)
        except (Unstable, Endless):
            _compare_standing(step, run, naive)
        except BaseException as error:  # it raises after more microsteps than the interpreter takes
            if type(error) not in (ValueError, KeyboardInterrupt):
                raise
        return False
    found = _outcome(run, step)
    if expected.kind == "refused" and found.interrupted:
        found = expected  # the reasons of a refusal are found by asking the guards again
    _same(step, "outcome", _as_chart(expected), found)
    calls = run.built.world.calls
    _same(step, "calls", naive.calls, calls[: len(naive.calls)] if expected.kind == "refused" else calls)
    if expected.kind == "done" and type(run.machine)._is_stepwise:  # the others tell no steps
        _same(step, "trace", naive.trace, list(traced(told[-1])))
    return True


def traced(transition: Any) -> Any:
    """Yield the states exited and entered by a transition, as the interpreter tells them."""
    for step in transition.steps:
        yield from (("-", name, step.event) for name in step.exited)
        yield from (("+", name, step.event) for name in step.entered)


def _compare_standing(step: object, run: ChartRun, naive: Interpreter) -> None:
    """Compare configuration, history and data."""
    model = run.built.model
    state = model.state
    _same(step, "leaves", naive.leaves, state.active if isinstance(state, Configuration) else (state,))
    if isinstance(state, Configuration):
        remembered = {memory.id: tuple(node.id for node in nodes) for memory, nodes in naive.memory.items()}
        _same(step, "history", remembered, state.history)
        for node in naive.order:
            if not node.is_history:
                _same(step, node.id, node in naive.active, run.machine.active(node.id))
    _same(step, "total", naive.total, model.total)
    _same(step, "end", not naive.running, run.machine.is_terminated)


def _build_anew(run: ChartRun, step: Step) -> None:
    """Replace the machine by one that knows its configuration from JSON only, without any call."""
    model, world = run.built.model, run.built.world
    if isinstance(model.state, Configuration):
        read = Configuration.model_validate_json(model.state.model_dump_json())
        _same(step, "JSON", model.state, read)
        model.state = read
    world.calls.clear()
    run.machine = run.built.cls(model, commit=run.machine.commit.commit)
    world.machine = run.machine
    _same(step, "calls of a new machine", [], world.calls)


class _Noted:
    """Keeps the transitions that a commit is given."""

    reads_payload = True

    def __init__(self, commit: Any, told: list[Any]) -> None:
        self.commit = commit
        self._told = told

    @property
    def committed(self) -> bool:
        return bool(self.commit.committed)

    def __call__(self, transition: Any) -> Any:
        self._told.append(transition)
        return self.commit(transition)


def _same(step: object, about: str, expected: object, found: object) -> None:
    if expected != found:
        raise Different("Chart", step, about, expected, found)
