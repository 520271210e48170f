"""The application: the pages of a chart's values, wired."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statechart.answers.spelling import Spelling
from statechart.dashboard.api.routes import api_routes
from statechart.dashboard.charts import incident, metrics, pages
from statechart.dashboard.charts.api import API
from statechart.dashboard.charts.desk import Desk, stations
from statechart.dashboard.charts.explaining import explained
from statechart.dashboard.charts.rows import ValueRow
from statechart.dashboard.charts.source import ChartSource
from statechart.dashboard.site import Board, Site
from statechart.dashboard.templating import Settings, Templates
from statechart.errors import StatechartError
from statechart.overview import Index
from statechart.terminal.refusal import UsageRefused

if TYPE_CHECKING:
    from statechart.dashboard.guard import Access
    from statechart.stored.repository import ChartRepository


def asgi_app(repository: ChartRepository[Any], *, title: str | None = None) -> Site[ValueRow]:
    """Return the dashboard as an ASGI application, to be mounted into another, such as one of Starlette.

    The application around it decides who may look. Nothing can be changed. Changes are followed from the
    first request on, in the event loop of that request.

    Args:
        repository: The values.
        title: The name of the dashboard; by default that of the chart.
    """
    return site_of(repository, Spelling.of(repository), access=None, title=title)


def site_of(
    repository: ChartRepository[Any],
    spelling: Spelling,
    *,
    access: Access | None,
    title: str | None = None,
) -> Site[ValueRow]:
    """Return the dashboard for a server of its own, with its conditions of access."""
    source = ChartSource(repository)
    settings = Settings(title or repository.chart.__name__, repository.store.where, source)
    places, last = stations(repository.chart)
    templates = Templates(
        ("statechart.dashboard.charts", "statechart.dashboard"),
        {"settings": settings, "stations": places, "stations_in_all": last},
    )
    board = Board(
        source,
        Index(source),
        templates,
        draw=lambda row: {"html": templates.draw("row.html", row=row)},
        explain=lambda error: explained(error, spelling),
        errors=(StatechartError, UsageRefused, OSError),
        static=("statechart.dashboard", "statechart.dashboard.charts"),
    )
    desk = Desk(repository, board, spelling)
    routes = [*pages.routes(desk), *api_routes(API, desk), *metrics.routes(desk), *incident.routes(desk)]
    return Site(board, routes, access)
