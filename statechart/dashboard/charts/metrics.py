"""Metrics: the values of a chart in numbers, for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from statechart.dashboard.exposition import CONTENT_TYPE, Metric, exposed
from statechart.graph import states

if TYPE_CHECKING:
    from starlette.requests import Request

    from statechart.dashboard.charts.desk import Desk


def routes(desk: Desk) -> Sequence[Route]:
    """Return the route of the metrics."""

    def metrics(_request: Request) -> Response:
        return Response(exposed(_metrics(desk)), headers={"content-type": CONTENT_TYPE})

    return [Route("/metrics", metrics)]


def _metrics(desk: Desk) -> list[Metric]:
    chart, rows = desk.repository.chart, desk.board.index.rows
    by_state = Counter(row.state for row in rows if row.summary is not None)
    return [
        Metric(
            "statechart_values",
            "Values by state.",
            {(("chart", chart.__name__), ("state", state)): by_state[state] for state in states(chart)},
        ),
        Metric(
            "statechart_values_by_class",
            "Values by the class of their condition.",
            {(("class", group),): count for group, count in desk.board.index.counts.items()},
        ),
        Metric(
            "statechart_revisions",
            "Changes of all present values, their creations included.",
            {(): sum(row.summary.revision for row in rows if row.summary is not None)},
        ),
        Metric("statechart_effects_due", "Effects that are due.", {(): sum(row.due for row in rows)}),
        Metric("statechart_open_pages", "Pages that are shown now.", {(): len(desk.board.hub)}),
    ]
