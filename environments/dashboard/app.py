"""The application: the pages of environments, wired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.dashboard import acting, incident, metrics, pages
from environments.dashboard.api.calls import API
from environments.dashboard.desk import Desk, spell_for, surroundings_of
from environments.dashboard.meter import Meter, MeteredIndex
from environments.dashboard.pages import fleet as fleet_pages
from environments.dashboard.works import Works
from environments.errors import EnvironmentsError
from environments.overview.row import EnvironmentRow
from environments.overview.source import EnvironmentSource
from environments.presentation.error_reports import report
from statechart.dashboard.api.routes import api_routes
from statechart.dashboard.refusals import Refused
from statechart.dashboard.site import Board, Site
from statechart.dashboard.templating import Settings, Templates
from statechart.errors import StatechartError
from statechart.terminal.refusal import UsageRefused

if TYPE_CHECKING:
    from environments.fleet.fleet import Fleet
    from environments.workspace import Workspace
    from statechart.dashboard.guard import Access


def asgi_app(
    workspace: Workspace, *, allow_actions: bool = False, fleet: Fleet | None = None
) -> Site[EnvironmentRow]:
    """Return the dashboard as an ASGI application, to be mounted into another, such as Starlette's.

    The application around it decides who may look, and act. Changes are followed from the first request
    on, in the event loop of that request. A page acts for nobody but itself: what another origin sends
    is refused.

    Args:
        workspace: The environments.
        allow_actions: Whether pages may start commands, as processes of their own. The author of their
            changes is the user whom the authentication of Starlette names, or else that of this process.
        fleet: The fleet that works on the environments, for its page.

    Raises:
        ValueError: Actions are allowed, and the environments are neither in files nor in a database.
    """
    return site_of(workspace, access=None, allow_actions=allow_actions, fleet=fleet)


def site_of(
    workspace: Workspace,
    *,
    access: Access | None,
    allow_actions: bool = False,
    fleet: Fleet | None = None,
) -> Site[EnvironmentRow]:
    """Return the dashboard for a server of its own, with its conditions of access."""
    if allow_actions and workspace.root is None and workspace.store_url is None:
        raise ValueError("actions run the command line, which finds no environments in memory")
    spell = spell_for(workspace)
    source = EnvironmentSource(workspace, spell)
    settings = Settings("envchart", workspace.where, source)
    templates = Templates(
        ("environments.dashboard", "statechart.dashboard"),
        {"settings": settings, "has_fleet": fleet is not None},
        pages.FILTERS,
    )
    meter = Meter(workspace)
    board = Board(
        source,
        MeteredIndex(source, meter),
        templates,
        draw=lambda row: {"html": templates.draw("row.html", row=row)},
        explain=lambda error: _refusal(error, desk),
        errors=(EnvironmentsError, StatechartError, UsageRefused, OSError),
    )
    desk = Desk(workspace, board, spell, meter, Works() if allow_actions else None, fleet)
    routes = [
        *pages.routes(desk),
        *fleet_pages.routes(desk),
        *api_routes(API, desk),
        *acting.routes(desk),
        *metrics.routes(desk),
        *incident.routes(desk),
    ]
    return Site(board, routes, access)


def _refusal(error: Exception, desk: Desk) -> Refused | None:
    found = report(error, surroundings_of(desk))
    return None if found is None else Refused.of(found)
