"""The addresses of the pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import Response
from starlette.routing import Route

from environments.dashboard.pages.one import chart, log, present, trace
from environments.overview import ATTENTION
from statechart.dashboard.query import HIGHEST, number
from statechart.overview import Query

if TYPE_CHECKING:
    from starlette.requests import Request

    from environments.dashboard.desk import Desk

_HEADINGS: Final = ("Environment", "State", "Way", "Since", "Release", "By", "Labels")
_LINES: Final = 200
_MOST_LINES: Final = 5_000
_RECORDS: Final = 100
_MOST_RECORDS: Final = 100_000


def routes(desk: Desk) -> Sequence[Route]:
    """Return the pages, which only read."""
    page = desk.board.templates.page

    # Reading blocks: Starlette runs a function that is not a coroutine in a thread.
    def overview(request: Request) -> Response:
        return page(request, "environments.html", **_overview(desk, request, "/"))

    def mosaic(request: Request) -> Response:
        index, query = desk.board.index, Query.read(request.query_params)
        facts = _overview(desk, request, "/all")
        every = Query(query.q, query.group, query.facets, query.sort, per_page=max(1, index.total))
        return page(request, "mosaic.html", **facts, rows=index.find(every).rows)

    def one(request: Request) -> Response:
        most = number(request.query_params.get("records"), _RECORDS, 1, _MOST_RECORDS)
        facts = present(desk, _name(request), _revision(request), most)
        return page(request, "environment.html", **facts, now=datetime.now(UTC))

    def lines(request: Request) -> Response:
        count = number(request.query_params.get("lines"), _LINES, 1, _MOST_LINES)
        facts = log(desk, _name(request), count)
        return page(request, "environment_log.html", **facts, now=datetime.now(UTC))

    def traced(request: Request) -> Response:
        facts = trace(desk, _name(request))
        return page(request, "environment_log.html", **facts, now=datetime.now(UTC))

    def picture(request: Request) -> Response:
        drawn = chart(desk, _name(request), _revision(request))
        return Response(drawn, media_type="image/svg+xml")

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


def _revision(request: Request) -> int:
    """Return the revision that is asked for; 0, and what makes no sense, is the last."""
    return number(request.query_params.get("at"), 0, 0, HIGHEST)


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
