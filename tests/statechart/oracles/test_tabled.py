"""The table holds for hierarchy already: it plans random nested charts as SCXML does."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.statechart.oracles.declared import Declared, Step
from tests.statechart.oracles.nested_charts import nested_runs
from tests.statechart.oracles.tabled import compare

# Shrinking a chart takes minutes; the first one that is found is small enough to be read.
UNHURRIED = settings(
    suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.reuse, Phase.generate)
)


@settings(UNHURRIED, max_examples=25)
@given(nested_runs())
def test_nested_charts_are_planned_as_by_the_naive_interpreter(run: tuple[Declared, list[Step]]) -> None:
    compare(*run)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_many_nested_charts_are_planned_as_by_the_naive_interpreter() -> None:
    counted: Counter[str] = Counter()

    @settings(UNHURRIED, max_examples=3000, derandomize=False, database=None)
    @given(nested_runs())
    def agree(run: tuple[Declared, list[Step]]) -> None:
        compare(*run, counted)

    agree()
    print(dict(counted))
