"""Random nested charts do the same by `Chart.fire` and by the naive interpreter, whole or not at all."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.statechart.oracles.declared import Declared, Step
from tests.statechart.oracles.hierarchy import compare
from tests.statechart.oracles.nested_charts import nested_runs
from tests.statechart.oracles.rich_charts import rich_runs

# Shrinking a chart takes minutes; the first one that is found is small enough to be read.
UNHURRIED = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)


@settings(UNHURRIED, max_examples=100)
@given(nested_runs())
def test_nested_charts_do_as_the_interpreter_does(run: tuple[Declared, list[Step]]) -> None:
    compare(*run)


@settings(UNHURRIED, max_examples=100)
@given(rich_runs())
def test_charts_with_everything_in_them_do_as_the_interpreter_does(
    run: tuple[Declared, list[Step]],
) -> None:
    compare(*run)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_many_charts_do_as_the_interpreter_does() -> None:
    counted: Counter[str] = Counter()

    @settings(UNHURRIED, max_examples=2000, derandomize=False, database=None)
    @given(rich_runs())
    def agree(run: tuple[Declared, list[Step]]) -> None:
        compare(*run, counted)

    agree()
    print(dict(counted))
    assert counted["charts"] > 1000
