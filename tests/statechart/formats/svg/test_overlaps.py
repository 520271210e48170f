"""No label lies on another or on an arrow of others, in any chart, in any layout."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from statechart.formats.svg.choice import plan
from statechart.picture import Picture

from .charts import pictures
from .overlaps import overlaps

LAYOUTS = ("layered", "line")


def faults(picture: Picture, layout: str) -> list[str]:
    return [
        f"{'upright' if upright else 'lying'}: {said}"
        for upright in (False, True)
        for said in overlaps(picture, plan(picture, upright=upright, layout=layout))
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(picture=pictures())
def test_nothing_overlaps(picture: Picture, layout: str) -> None:
    assert faults(picture, layout) == []
