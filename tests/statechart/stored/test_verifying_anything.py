"""What random nested charts do is what verify expects: each of their macrosteps, and no altered one."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings

from statechart.errors import ChartDefinitionError, StatechartError, Unstable
from statechart.storage.chain import TRANSITION
from statechart.stored.replaying.macrosteps import macrostep_problem
from tests.statechart.oracles.built import ChartRun
from tests.statechart.oracles.declared import Declared, Step
from tests.statechart.oracles.naive import Endless
from tests.statechart.oracles.rich_charts import rich_runs

UNHURRIED = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    max_examples=25,
)


def recorded(transition: Any, **changed: Any) -> Any:
    """Return the record of a transition, as far as it is looked at."""
    data = {
        "event": transition.event,
        "from_state": transition.from_state,
        "to_state": transition.to_state,
        "steps": [
            {"event": step.event, "exited": step.exited, "entered": step.entered}
            for step in transition.steps
        ],
    }
    return SimpleNamespace(
        type=TRANSITION, data=json.loads(json.dumps(data | changed)), at=datetime(2030, 1, 1, tzinfo=UTC)
    )


def test_each_macrostep_of_any_chart_is_one_that_verify_expects() -> None:
    counted: Counter[str] = Counter()

    @settings(UNHURRIED)
    @given(rich_runs())
    def expects(run: tuple[Declared, list[Step]]) -> None:
        look(run, counted)

    expects()
    assert counted["macrosteps"] >= 10


def look(run: tuple[Declared, list[Step]], counted: Counter[str]) -> None:
    """Fire events, and hold verify against each macrostep, as recorded and altered."""
    declared, steps = run
    try:
        machine = ChartRun(declared, steps[0])
    except (ChartDefinitionError, Unstable, Endless):
        return
    chart = machine.built.cls
    told: list[Any] = []
    machine.machine.commit = lambda transition: told.append(transition) or {}
    for step in steps[1:]:
        before = machine.built.model.state
        told.clear()
        try:
            machine.fire(step)
        except (StatechartError, ValueError, KeyboardInterrupt, Endless):
            continue
        after = machine.built.model.state
        if not chart._is_stepwise or not told:
            continue
        (transition,) = told

        assert macrostep_problem(chart, recorded(transition), before, after)[0] is None, asdict(transition)
        counted["macrosteps"] += 1
        counted["of several microsteps"] += len(transition.steps) > 1
        more = {"event": None, "exited": [], "entered": ["nowhere"]}
        longer = [*recorded(transition).data["steps"], more]
        for wrong in (
            recorded(transition, to_state="nowhere"),
            recorded(transition, from_state="nowhere"),
            recorded(transition, steps=longer),
        ):
            problem, followed = macrostep_problem(chart, wrong, before, after)
            assert problem is not None or not followed
