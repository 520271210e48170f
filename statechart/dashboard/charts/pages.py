"""The pages: the overview of all values, the mosaic, and one value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

from statechart.dashboard.charts.detail import detail_of, picture_of
from statechart.dashboard.charts.rows import EFFECTS, FAILED, UNREADABLE
from statechart.dashboard.query import HIGHEST, number
from statechart.formats.svg import svg
from statechart.overview import Query

if TYPE_CHECKING:
    from starlette.requests import Request

    from statechart.dashboard.charts.desk import Desk

URGENT: Final = (FAILED, UNREADABLE, EFFECTS)
"""The groups that need a person."""

_HEADINGS: Final = ("Value", "State", "Way", "Since", "Revision", "By")


def routes(desk: Desk) -> Sequence[Route]:
    """Return the routes of the pages."""
    pages = _Pages(desk)
    return [
        Route("/", pages.overview),
        Route("/all", pages.mosaic),
        Route("/e/{name}", pages.value),
        Route("/e/{name}/chart.svg", pages.picture),
    ]


class _Pages:
    """Answers with pages; each is made in a thread, as it reads files."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._index = desk.board.index
        self._page: Callable[..., Response] = desk.board.templates.page

    def overview(self, request: Request) -> Response:
        found = self._index.find(Query.read(request.query_params))
        return self._page(request, "values.html", **self._shared(request), found=found, headings=_HEADINGS)

    def mosaic(self, request: Request) -> Response:
        query = Query.read(request.query_params)
        shared = self._shared(request, "/all")
        # A mosaic has all rows on one page.
        every = self._index.find(replace(query, page=1, per_page=max(1, self._index.total)))
        found = self._index.find(query)
        return self._page(request, "values_mosaic.html", **shared, found=found, rows=every.rows)

    def value(self, request: Request) -> Response:
        desk, name = self._desk, request.path_params["name"]
        detail = detail_of(desk.repository, name, _revision(request), desk.spelling)
        return self._page(
            request,
            "value.html",
            **self._shared(request, f"/e/{name}"),
            detail=detail,
        )

    def picture(self, request: Request) -> Response:
        picture = picture_of(self._desk.repository, request.path_params["name"], _revision(request))
        return Response(svg(picture), media_type="image/svg+xml")

    def _shared(self, request: Request, path: str = "/") -> dict[str, object]:
        return {
            "at": f"{request.scope.get('root_path', '')}{path}",
            "noun": "values",
            "letter": "e",
            "create": self._desk.spell("create NAME KEY=VALUE"),
            "urgent": URGENT,
            "search": "Search name, state, effect, who",
            "total": self._index.total,
            "needing": sum(self._index.counts[group] for group in URGENT),
            "now": datetime.now(UTC),
        }


def _revision(request: Request) -> int | None:
    """Return the revision that is asked for; one that makes no sense is the last."""
    asked = request.query_params.get("at")
    return None if asked is None else number(asked, HIGHEST, 1, HIGHEST)
