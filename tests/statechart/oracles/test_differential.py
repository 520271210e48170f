"""Random flat charts do the same by `Chart.fire`, by python-statemachine, and by the naive interpreter."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.statechart.oracles.charts import flat_runs
from tests.statechart.oracles.declared import Declared, Step
from tests.statechart.oracles.flat import compare

# Shrinking a chart takes minutes; the first one that is found is small enough to be read.
UNHURRIED = settings(
    suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.reuse, Phase.generate)
)


@settings(UNHURRIED, max_examples=40)
@given(flat_runs())
def test_three_machines_agree(run: tuple[Declared, list[Step]]) -> None:
    compare(*run)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_three_machines_agree_about_many_charts() -> None:
    counted: Counter[str] = Counter()

    @settings(UNHURRIED, max_examples=5000, derandomize=False, database=None)
    @given(flat_runs())
    def agree(run: tuple[Declared, list[Step]]) -> None:
        compare(*run, counted)

    agree()
    print(dict(counted))
