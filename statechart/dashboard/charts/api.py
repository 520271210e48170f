"""The API: the documents of `python -m statechart … --json`, by address."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.routing import Route

from statechart.answers.records import (
    opening_document,
    past_document,
    readable,
    record_document,
    value_at,
)
from statechart.answers.values import (
    allowed_document,
    document_of,
    due_document,
    list_document,
    look,
    verified_document,
)
from statechart.answers.way import diagram_document, marks_of
from statechart.answers.why import story_of, why_document
from statechart.dashboard.answering import Answer, response
from statechart.dashboard.refusals import Refused
from statechart.diagram import FORMATS, render
from statechart.overview import Query
from statechart.picture import Marks
from statechart.stored.damage import Damaged
from statechart.terminal.program.moments import read_moment

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from statechart.dashboard.charts.desk import Desk
    from statechart.errors import StatechartError

_NOT_TEXT = ("png",)


def routes(desk: Desk) -> Sequence[Route]:
    """Return the routes of the API."""
    api = _Api(desk)
    one = {
        "": api.show,
        "/history": api.history,
        "/allowed": api.allowed,
        "/why": api.why,
        "/diagram": api.diagram,
        "/effects": api.effects,
        "/verify": api.verify,
    }
    return [
        Route("/api/v1/values", api.list),
        *(Route(f"/api/v1/values/{{name}}{path}", handler) for path, handler in one.items()),
        Route("/api/v1/effects", api.effects),
        Route("/api/v1/diagram", api.diagram),
    ]


class _Api:
    """Answers with documents; each is made in a thread, as it reads files."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._repository = desk.repository

    def list(self, request: Request) -> Response:
        """Return a page of the values, as `list` prints them, those that can't be read among them."""
        found = self._desk.board.index.find(Query.read(request.query_params))
        document = list_document(
            [row.summary for row in found.rows if row.summary is not None],
            [row.damage for row in found.rows if row.damage is not None],
            self._desk.spelling,
        )
        paging = {"counts": found.counts, "total": found.total, "page": found.page, "pages": found.pages}
        return _answer(request, {**document, **paging})

    def show(self, request: Request) -> Response:
        """Return a value as `show` prints it, or as it was as `history --at` prints it."""
        name, at = _name(request), request.query_params.get("at")
        if at is None:
            return _answer(request, document_of(look(self._repository, name), self._desk.spelling))
        self._repository.load(name)  # an unknown name is told before a wrong moment
        then = value_at(self._repository, name, read_moment(self._desk.spelling, name, at.strip()))
        return _answer(request, past_document(name, at.strip(), then))

    def history(self, request: Request) -> Response:
        """Return the records as `history` prints them."""
        name = _name(request)
        records, gap = readable(self._repository, name)
        documents = list(map(record_document, records))
        return _answer(request, {**opening_document(name, gap), "history": documents})

    def allowed(self, request: Request) -> Response:
        """Return the events as `allowed` prints them."""
        return _answer(request, allowed_document(look(self._repository, _name(request))))

    def why(self, request: Request) -> Response:
        """Return the story as `why` prints it."""
        shown = look(self._repository, _name(request))
        return _answer(request, why_document(shown, story_of(self._repository, shown), self._desk.spelling))

    def diagram(self, request: Request) -> Response:
        """Return the chart as `diagram` prints it, with the path of a value."""
        name, format = request.path_params.get("name"), request.query_params.get("format", "mermaid")
        if format not in FORMATS or format in _NOT_TEXT:
            usable = ", ".join(each for each in FORMATS if each not in _NOT_TEXT)
            raise Refused(HTTPStatus.BAD_REQUEST, "usage", f"there is no such format: use {usable}")
        marks = Marks() if name is None else marks_of(self._repository, name)
        drawn = render(self._repository.chart, format, marks=marks)  # type: ignore[arg-type]  # it was checked
        return _answer(request, {**diagram_document(marks, name, format), "diagram": drawn})

    def effects(self, request: Request) -> Response:
        """Return the effects that are due, as `effects` prints them."""
        damaged: dict[str, StatechartError] = {}
        due = self._repository.due_effects(request.path_params.get("name"), on_damage=damaged.__setitem__)
        unreadable = [Damaged(each, error) for each, error in damaged.items()]
        return _answer(request, due_document(due, unreadable, self._desk.spelling))

    def verify(self, request: Request) -> Response:
        """Return what verifying a value finds, as `verify` prints it."""
        return _answer(request, verified_document(self._repository.verify(_name(request))))


def _answer(request: Request, document: object) -> Response:
    return response(request, Answer(document))


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    return name
