"""The routes of an API."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.routing import Route

from statechart.dashboard.api.answering import Answer, response
from statechart.dashboard.api.calls import BASE, Ask
from statechart.dashboard.api.openapi import description
from statechart.dashboard.api.parameters import read_query
from statechart.dashboard.refusals import Refused

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from statechart.dashboard.api.calls import Api, Call, DeskT


def api_routes(api: Api[DeskT], desk: DeskT) -> list[Route]:
    """Return the routes of an API that answers from a desk."""

    def described(request: Request) -> Response:
        read_query((), request.query_params)
        return response(request, Answer(description(api, request.scope.get("root_path", ""))))

    return [
        *(Route(f"{BASE}{call.path}", _endpoint(desk, call)) for call in api.calls),
        Route(f"{BASE}/openapi.json", described),
        Route("/api/{rest:path}", _nothing),
    ]


def _endpoint(desk: DeskT, call: Call[DeskT]) -> Callable[[Request], Response]:
    # Reading blocks: Starlette runs a function that is not a coroutine in a thread.
    def answer(request: Request) -> Response:
        values = read_query(call.parameters, request.query_params)
        name = request.path_params.get("name", "")
        return response(request, call.answer(Ask(desk, values, request.scope["path"], name)))

    return answer


def _nothing(_request: Request) -> Response:
    raise Refused(
        HTTPStatus.NOT_FOUND,
        "not_found",
        "the API has no such path",
        (f"GET {BASE}/openapi.json lists the paths",),
    )
