"""A run of a flat chart by three machines: python-statemachine, `Chart` and the naive interpreter."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from statemachine.exceptions import TransitionNotAllowed

from statechart.errors import InvalidTransition, MissingPayload
from tests.statechart.oracles.built import ChartRun, EngineRun
from tests.statechart.oracles.declared import Declared, Step
from tests.statechart.oracles.naive import Call, Interpreter, Outcome


class Different(AssertionError):
    """Two machines disagree."""

    def __init__(self, machine: str, step: object, about: str, expected: object, found: object) -> None:
        super().__init__(f"{machine}, {step}: {about}\n  expected {expected}\n  found    {found}")


def compare(
    chart: Declared, steps: list[Step], counted: Counter[str] | None = None, *, engine: bool = True
) -> None:
    """Run a chart by all machines, and compare them after each event.

    Raises:
        Different: They disagree.
    """
    counted = Counter() if counted is None else counted
    naive = Interpreter(chart)
    began = naive.start()
    ours = _begun(ChartRun, chart, naive, began)
    theirs = _begun(EngineRun, chart, naive, began) if engine else None
    counted["charts"] += 1
    if ours is None:
        counted["not begun"] += 1
        return
    for step in steps:
        naive.calls.clear()
        expected = naive.fire(step)
        counted["events"] += 1
        counted[expected.kind] += 1
        counted["calls"] += len(naive.calls)
        _same("Chart", ours, step, _as_chart(expected), naive)
        if theirs is not None:
            _same("python-statemachine", theirs, step, _as_engine(expected), naive)


def _begun(run: type[ChartRun | EngineRun], chart: Declared, naive: Interpreter, began: Outcome) -> Any:
    calls: list[Call] = []
    try:
        begun = run(chart)
    except Exception:
        if began.kind == "done":
            raise
        return None
    if began.kind != "done":
        raise Different(run.__name__, "start", "begins", began, "no error")
    calls = begun.built.world.calls
    expected = [(label, arguments) for label, arguments, _ in naive.calls]
    found = [(label, arguments) for label, arguments, _ in calls]
    if expected != found:
        raise Different(run.__name__, "start", "calls", expected, found)
    return begun


def _as_chart(expected: Outcome) -> Outcome:
    """Return what `Chart.fire` makes of an event: an error after the commit is logged only."""
    if expected.kind == "done":
        return Outcome("done")
    return _plain(expected)


def _as_engine(expected: Outcome) -> Outcome:
    """Return what python-statemachine makes of it: an error of an `after` hook is raised."""
    if expected.hidden is not None:
        expected = Outcome(expected.hidden, expected.error)
    return _plain(expected)


def _plain(expected: Outcome) -> Outcome:
    # Errors for missing keywords have the name of the function only.
    missing = expected.kind == "missing" and expected.error is not None
    error = str(expected.error).rpartition(".")[2] if missing else expected.error
    return replace(expected, error=error, phase="")


def _same(name: str, run: Any, step: Step, expected: Outcome, naive: Interpreter) -> None:
    built = run.built
    built.world.calls.clear()
    found = _outcome(run, step)
    if expected.kind == "refused" and found.interrupted and name == "Chart":
        # The reasons of a refusal are found by asking the guards again, also those that were not asked.
        found = expected
    if found != expected:
        raise Different(name, step, "outcome", expected, found)
    calls = built.world.calls
    if name == "Chart" and expected.kind == "refused":
        # The reasons of a refusal are found by asking the guards again.
        calls = calls[: len(naive.calls)]
    if calls != naive.calls:
        raise Different(name, step, "calls", naive.calls, calls)
    (state,) = naive.leaves
    if name == "python-statemachine" and expected.interrupted:
        # It leaves the new state behind if an entry hook is interrupted.
        built.model.state = built.value_of(state)
    if built.state != state:
        raise Different(name, step, "state", state, built.state)
    # python-statemachine keeps the data that hooks had changed before one raised.
    if (expected.kind == "done" or name == "Chart") and built.model.total != naive.total:
        raise Different(name, step, "total", naive.total, built.model.total)
    built.model.total = naive.total


def _outcome(run: Any, step: Step) -> Outcome:
    try:
        run.fire(step)
    except (InvalidTransition, TransitionNotAllowed):
        return Outcome("refused")
    except ValueError as error:
        return Outcome("raised", str(error))
    except KeyboardInterrupt as error:
        return Outcome("raised", str(error), interrupted=True)
    except MissingPayload as error:
        if error.within is None and not set(error.names).isdisjoint(step.payload):
            raise Different("Chart", step, "missing keywords", step.payload, error.names) from error
        return Outcome("missing", error.needed_by.split()[-1])
    except TypeError as error:
        return Outcome("missing", str(error).split("(")[0].rpartition(".")[2])
    return Outcome("done")
