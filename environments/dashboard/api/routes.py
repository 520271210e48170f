"""The routes of the API."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.routing import Route

from environments.dashboard.api.ask import Ask
from environments.dashboard.api.calls import CALLS
from environments.dashboard.api.openapi import BASE, description
from environments.dashboard.api.parameters import read_query
from statechart.dashboard.answering import Answer, response
from statechart.dashboard.refusals import Refused

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from environments.dashboard.api.ask import Call
    from environments.dashboard.desk import Desk


def api_routes(desk: Desk) -> list[Route]:
    """Return the routes of the API."""
    return [
        *(Route(f"{BASE}{call.path}", _endpoint(desk, call)) for call in CALLS),
        Route(f"{BASE}/openapi.json", _description),
        Route("/api/{rest:path}", _nothing),
    ]


def _endpoint(desk: Desk, call: Call) -> Callable[[Request], Response]:
    # Reading blocks: Starlette runs a function that is not a coroutine in a thread.
    def answer(request: Request) -> Response:
        values = read_query(call.parameters, request.query_params)
        name = request.path_params.get("name", "")
        return response(request, call.answer(Ask(desk, values, request.url.path, name)))

    return answer


def _description(request: Request) -> Response:
    read_query((), request.query_params)
    return response(request, Answer(description(request.scope.get("root_path", ""))))


def _nothing(_request: Request) -> Response:
    raise Refused(
        HTTPStatus.NOT_FOUND,
        "not_found",
        "the API has no such path",
        (f"GET {BASE}/openapi.json lists the paths",),
    )
