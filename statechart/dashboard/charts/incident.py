"""The incident file: everything known of a value, as one HTML page that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from statechart.answers.values import directory_of
from statechart.dashboard.charts.detail import detail_of
from statechart.dashboard.standalone import standalone, standalone_response
from statechart.terminal.control_codes import strip_control_codes

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from statechart.dashboard.charts.desk import Desk
    from statechart.stored.repository import ChartRepository
    from statechart.terminal.settings import Spells


def routes(desk: Desk) -> Sequence[Route]:
    """Return the address of the incident file."""

    def file(request: Request) -> Response:
        name = request.path_params["name"]
        return standalone_response(incident(desk.repository, name, desk.spelling))

    return [Route("/e/{name}/incident.html", file)]


def incident(repository: ChartRepository[Any], name: str, spelling: Spells) -> str:
    """Return the page about a value. It has no script, no secret, and asks for no other file.

    A value that can't be read has a page that says why.

    Raises:
        InvalidName: No value can have the name.
        NotFound: The name does not exist.
    """
    detail = detail_of(repository, name, None, spelling)
    facts = {
        "detail": detail,
        "group": detail.group,
        "chart": repository.chart.__name__,
        "place": directory_of(repository, name) or repository.store.where,
        "say": lambda text: strip_control_codes(str(text)),
    }
    return standalone("statechart.dashboard.charts", "value_incident.html", facts)
