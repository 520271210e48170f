"""The site: pages with their guard, their errors and their live changes, as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles

from statechart.dashboard.following import Following
from statechart.dashboard.guard import Access, Guard, is_open
from statechart.dashboard.headers import Headers
from statechart.dashboard.hub import Hub
from statechart.dashboard.login import login_routes
from statechart.dashboard.query import own_address, own_path
from statechart.dashboard.refusals import Refused
from statechart.dashboard.streams import Stream
from statechart.dashboard.templating import VERSION
from statechart.following.changed import is_away
from statechart.formats.svg import CHART_CSS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from statechart.dashboard.templating import Templates
    from statechart.overview import Index, Row, Source

RowT = TypeVar("RowT", bound="Row")


@dataclass(frozen=True, slots=True)
class Board(Generic[RowT]):
    """The parts that the pages of a dashboard work with.

    Attributes:
        source: The store.
        index: The rows of the store.
        templates: The pages.
        draw: Returns the facts of a row that open pages are told: its `html`.
        explain: Returns the refusal that an error of the store means, or None for a fault of ours.
        errors: The classes of errors that are explained.
        static: The packages whose folder `static` is served.
        hub: The open pages.
    """

    source: Source[RowT]
    index: Index[RowT]
    templates: Templates
    draw: Callable[[RowT], Mapping[str, object]]
    explain: Callable[[Exception], Refused | None]
    errors: tuple[type[Exception], ...]
    static: Sequence[str] = ("statechart.dashboard",)
    hub: Hub = field(default_factory=Hub)


class Site(Generic[RowT]):
    """An ASGI application: alone in a server, or mounted into another.

    Args:
        board: The parts of the dashboard.
        pages: Its own routes.
        access: The conditions of access, or None if the application around it asks for them.
    """

    def __init__(
        self, board: Board[RowT], pages: Sequence[BaseRoute], access: Access | None = None
    ) -> None:
        self.board: Board[RowT] = board
        self.following: Following[RowT] = Following(board.index, board.source, board.hub, board.draw)
        self._templates = board.templates
        routes = [
            *pages,
            *(login_routes(board.templates, access) if access is not None else ()),
            Route("/events", self._events),
            Route("/healthz", self._health),
            Route("/static/chart.css", _chart_style),
            Mount("/static", StaticFiles(packages=[(each, "static") for each in board.static])),
        ]
        handlers: dict[Any, Any] = {  # Any: Starlette's handlers are of one error each
            Refused: self._refused,
            HTTPException: self._http_error,
            **dict.fromkeys(board.errors, self._store_error),
        }
        self._router = Router(routes, lifespan=self._lifespan)
        app: ASGIApp = Guard(self._answer, access)
        app = GZipMiddleware(app, minimum_size=1000)
        app = ExceptionMiddleware(app, handlers)
        app = ServerErrorMiddleware(app, handler=self._fault)
        self._app = Headers(app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            scope["app"] = self
            self._templates.serve_below(scope.get("root_path", ""))
            await self.following.ready()
            scope[VERSION] = self.board.hub.version  # before anything is read for the page
        await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        trouble = self.following.trouble
        if scope["type"] == "http" and trouble is not None:
            request = Request(scope)
            # Pages go on to show what was read last; programs take that for the present.
            if not is_open(request) and (not self.following.is_read or _is_data(request)):
                raise trouble if isinstance(trouble, self.board.errors) else _not_followed()
        await self._router(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _app: object) -> AsyncIterator[None]:
        await self.following.ready()
        try:
            yield
        finally:
            self.board.hub.close()
            await self.following.stop()

    async def _events(self, request: Request) -> Response:
        if request.method == "HEAD":  # which has no content to wait for
            return Response(media_type=Stream.media_type)
        return Stream(self.board.hub, request.query_params.get("name"))

    async def _health(self, _request: Request) -> Response:
        watching = self.board.source.watching
        alive = self.following.is_alive and not is_away(watching)
        # Whoever asks has shown no token: the reason may name the place of the store.
        document = {"ok": alive, "watching": watching.partition(":")[0] if alive else None}
        return JSONResponse(document, HTTPStatus.OK if alive else HTTPStatus.SERVICE_UNAVAILABLE)

    async def _refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        headers = {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else None
        if _is_for_programs(request):
            return JSONResponse(error.document(), error.status, headers)
        if error.status == HTTPStatus.UNAUTHORIZED:
            onward = own_address(request)
            page = self._templates.page(
                request, "login.html", status=error.status, onward=onward, wrong=False
            )
        else:
            page = self._templates.page(request, "error.html", status=error.status, error=error)
        page.headers.update(headers or {})
        return page

    async def _http_error(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        if status == HTTPStatus.NOT_FOUND:
            code, message = "not_found", "there is no such page"
        else:
            code, message = status.phrase.casefold().replace(" ", "_"), status.phrase.casefold()
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            message = f"this address does not take {request.method}"
        refused = Refused(status, code, message, ("go to the first page",))
        response = await self._refused(request, refused)
        response.headers.update(error.headers or {})
        return response

    async def _store_error(self, request: Request, error: Exception) -> Response:
        refused = self.board.explain(error)
        if refused is None:
            raise error
        return await self._refused(request, refused)

    async def _fault(self, request: Request, _error: Exception) -> Response:
        message = "the dashboard made a mistake: its output has the details"
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return await self._refused(request, Refused(status, "unexpected", message))


def _not_followed() -> Refused:
    message = "the store can't be followed: the output of the dashboard has the details"
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, "unexpected", message)


def _chart_style(_request: Request) -> Response:
    # No page may have rules inside, so those of pictures are a file of their own.
    return Response(CHART_CSS, media_type="text/css")


def _is_for_programs(request: Request) -> bool:
    """Return whether an answer is read by a program: it asked the API, or for events, or for JSON."""
    accepted = request.headers.get("accept", "")
    wants_page = "text/html" in accepted or not accepted
    return (
        _is_data(request)
        or own_path(request) in ("/events", "/healthz")
        or ("json" in accepted and not wants_page)
    )


def _is_data(request: Request) -> bool:
    """Return whether a request asks for data, and not for a page."""
    path = own_path(request)
    return path.startswith("/api/") or path == "/metrics"
