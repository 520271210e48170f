"""Metrics: the values of a chart in numbers, for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from statechart.dashboard.exposition import CONTENT_TYPE, Family, Labels, exposed
from statechart.graph import states

if TYPE_CHECKING:
    from starlette.requests import Request

    from statechart.dashboard.charts.desk import Desk


def routes(desk: Desk) -> Sequence[Route]:
    """Return the route of the metrics."""

    def metrics(_request: Request) -> Response:
        return Response(exposed(_families(desk)), media_type=CONTENT_TYPE)

    return [Route("/metrics", metrics)]


def _families(desk: Desk) -> list[Family]:
    chart, rows = desk.repository.chart.__name__, desk.board.index.rows

    def family(name: str, about: str, label: str, numbers: Mapping[str, int]) -> Family:
        values: dict[Labels, float] = {(chart, value): number for value, number in numbers.items()}
        return Family(f"statechart_{name}", about, "gauge", ("chart", label), values)

    by_state = Counter(row.state for row in rows if row.summary is not None)
    known = {state: by_state[state] for state in states(desk.repository.chart)}
    changes = sum(row.summary.revision for row in rows if row.summary is not None)
    due, tried = sum(row.due for row in rows), sum(row.tried for row in rows)
    attempts = {"none": due - tried, "failed": tried}
    return [
        family("values", "Values that can be read, by state.", "state", known),
        family("values_by_class", "Values by what they need.", "class", desk.board.index.counts),
        family("effects_due", "Effects that are due, by their last attempt.", "attempt", attempts),
        Family(
            "statechart_changes",
            "Creations and events of all values that there are.",
            "gauge",
            ("chart",),
            {(chart,): changes},
        ),
        Family(
            "statechart_dashboard_streams",
            "The open pages that are told changes.",
            "gauge",
            ("chart",),
            {(chart,): len(desk.board.hub)},
        ),
    ]
