"""The addresses of the pages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import Route

from environments.dashboard.pages.one import chart, log, present, trace
from environments.overview import ATTENTION
from statechart.dashboard.query import number
from statechart.overview import Query

if TYPE_CHECKING:
    from starlette.requests import Request

    from environments.dashboard.desk import Desk

_HEADINGS: Final = ("Environment", "State", "Way", "Since", "Release", "By", "Labels")
_LINES: Final = 200
_MOST_LINES: Final = 5_000


def routes(desk: Desk) -> Sequence[Route]:
    """Return the pages, which only read."""
    page = desk.board.templates.page

    async def overview(request: Request) -> Response:
        return page(request, "environments.html", **_overview(desk, request, "/"))

    async def mosaic(request: Request) -> Response:
        index, query = desk.board.index, Query.read(request.query_params)
        facts = _overview(desk, request, "/all")
        every = Query(query.q, query.group, query.facets, query.sort, per_page=max(1, index.total))
        return page(request, "mosaic.html", **facts, rows=index.find(every).rows)

    async def one(request: Request) -> Response:
        asked = request.query_params
        at, records = number(asked.get("at"), 0, 0, 10**9), number(asked.get("records"), 100, 1, 10**5)
        facts = await asyncio.to_thread(present, desk, _name(request), at, records)
        return page(request, "environment.html", **facts, now=datetime.now(UTC))

    async def lines(request: Request) -> Response:
        name, count = _name(request), number(request.query_params.get("lines"), _LINES, 1, _MOST_LINES)
        facts = await asyncio.to_thread(log, desk, name, count)
        return page(request, "environment_log.html", **facts, now=datetime.now(UTC))

    async def traced(request: Request) -> Response:
        facts = await asyncio.to_thread(trace, desk, _name(request))
        return page(request, "environment_log.html", **facts, now=datetime.now(UTC))

    async def picture(request: Request) -> Response:
        name, at = _name(request), number(request.query_params.get("at"), 0, 0, 10**9)
        return Response(await asyncio.to_thread(chart, desk, name, at), media_type="image/svg+xml")

    return [
        Route("/", overview),
        Route("/all", mosaic),
        Route("/e/{name}", one),
        Route("/e/{name}/log", lines),
        Route("/e/{name}/trace", traced),
        Route("/e/{name}/chart.svg", picture),
    ]


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    return name


def _overview(desk: Desk, request: Request, path: str) -> dict[str, Any]:  # Any: what templates show
    """Return the facts of the overview of what a request wants."""
    index = desk.board.index
    counts = index.counts
    return {
        "noun": "environments",
        "letter": "e",
        "search": "Search name, state, step, release, who",
        "headings": _HEADINGS,
        "found": index.find(Query.read(request.query_params)),
        "at": f"{request.scope.get('root_path', '')}{path}",
        "total": index.total,
        "needing": sum(counts.get(group, 0) for group in ATTENTION),
        "urgent": ATTENTION,
        "now": datetime.now(UTC),
        "create": desk.spell("create NAME --app DIR", "web"),
    }
