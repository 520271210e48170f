"""Metrics: the values of a chart in numbers, for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from statechart.dashboard.exposition import CONTENT_TYPE, Labels, Metric, exposed
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
    rows = desk.board.index.rows
    by_state = Counter(row.state for row in rows if row.summary is not None)
    changes = sum(row.summary.revision for row in rows if row.summary is not None)
    due, tried = sum(row.due for row in rows), sum(row.tried for row in rows)
    chart = (("chart", desk.repository.chart.__name__),)

    def by(label: str, numbers: Mapping[str, int]) -> dict[Labels, float]:
        return {(*chart, (label, value)): number for value, number in numbers.items()}

    known = states(desk.repository.chart)
    return [
        Metric(
            "statechart_values",
            "Values by state.",
            by("state", {state: by_state[state] for state in known}),
        ),
        Metric(
            "statechart_values_by_class",
            "Values by what they need: failed, unreadable, effects, under-way, in-progress, final.",
            by("class", desk.board.index.counts),
        ),
        Metric("statechart_changes", "Creations and events of all present values.", {chart: changes}),
        Metric(
            "statechart_effects_due",
            "Effects that are due, by whether an attempt has failed.",
            by("attempt", {"none": due - tried, "failed": tried}),
        ),
        Metric("statechart_open_pages", "Pages that are told changes.", {chart: len(desk.board.hub)}),
    ]
