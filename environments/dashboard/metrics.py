"""Metrics of the environments, for Prometheus: what the overview shows, and what was counted."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from environments.model.command_name import CommandName
from environments.overview.row import GROUPS
from statechart.dashboard.exposition import CONTENT_TYPE, Family, exposed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.requests import Request

    from environments.dashboard.desk import Desk
    from environments.overview.row import EnvironmentRow


def routes(desk: Desk) -> list[Route]:
    """Return the route of the metrics."""

    def metrics(_request: Request) -> Response:
        families = [*_of_environments(desk), *desk.meter.families(), *_of_dashboard(desk)]
        return Response(exposed(families), media_type=CONTENT_TYPE)

    return [Route("/metrics", metrics)]


def _of_environments(desk: Desk) -> Iterator[Family]:
    rows: Sequence[EnvironmentRow] = desk.board.index.rows
    readable = [row for row in rows if row.summary is not None]
    yield Family(
        "envchart_environments",
        "The environments that can be read, by state and class.",
        "gauge",
        ("state", "class"),
        Counter((str(row.state), row.kind) for row in readable),
    )
    groups = Counter(row.group for row in rows)
    yield Family(
        "envchart_environments_by_group",
        "All environments, by the group in which the overview shows them.",
        "gauge",
        ("group",),
        {(group,): groups[group] for group in GROUPS},
    )
    yield Family(
        "envchart_environments_unreadable",
        "The environments that can't be read.",
        "gauge",
        (),
        {(): len(rows) - len(readable)},
    )
    working = Counter(_command(row) for row in readable if row.held)
    yield Family(
        "envchart_operations_under_way",
        "The commands that processes run now.",
        "gauge",
        ("command",),
        {(command.value,): working[command.value] for command in CommandName},
    )


def _command(row: EnvironmentRow) -> str:
    operation = row.summary.stored_operation if row.summary is not None else None
    return operation.command if operation is not None else ""


def _of_dashboard(desk: Desk) -> Iterator[Family]:
    yield Family(
        "envchart_dashboard_streams",
        "The open pages that are told changes.",
        "gauge",
        (),
        {(): len(desk.board.hub)},
    )
    yield Family(
        "envchart_dashboard_start_time_seconds",
        "The time since which is counted, in seconds since 1970.",
        "gauge",
        (),
        {(): desk.meter.since.timestamp()},
    )
    yield Family(
        "envchart_build_info",
        "The version of envchart.",
        "gauge",
        ("version",),
        {(version("envchart"),): 1},
    )
