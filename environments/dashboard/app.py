"""The application: the pages of environments, wired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from environments.dashboard import acting, api, incident, metrics, pages
from environments.dashboard.desk import Desk, spell_below
from environments.dashboard.explaining import explained
from environments.errors import EnvironmentsError
from environments.overview.row import EnvironmentRow
from environments.overview.source import EnvironmentSource
from statechart.dashboard.site import Board, Site
from statechart.dashboard.templating import Templates
from statechart.errors import StatechartError
from statechart.overview import Index

if TYPE_CHECKING:
    from environments.workspace import Workspace
    from statechart.dashboard.guard import Access


@dataclass(frozen=True, slots=True)
class Settings:
    """The facts that every page shows.

    Attributes:
        title: The name of the dashboard.
        place: The store, in words.
        allow_actions: Whether pages may start commands.
        source: The store as it is followed.
    """

    title: str
    place: str
    allow_actions: bool
    source: EnvironmentSource

    @property
    def watching(self) -> str:
        """How changes are noticed."""
        return self.source.watching


def asgi_app(workspace: Workspace, *, allow_actions: bool = False) -> Site[EnvironmentRow]:
    """Return the dashboard as an ASGI application, to be mounted into another, such as one of Starlette.

    The application around it decides who may look, and act. Changes are followed from the first request
    on, in the event loop of that request. A page acts for nobody but itself: what another origin sends
    is refused.

    Args:
        workspace: The environments.
        allow_actions: Whether pages may start commands, as processes of their own.
    """
    return site_of(workspace, access=None, allow_actions=allow_actions)


def site_of(
    workspace: Workspace, *, access: Access | None, allow_actions: bool = False
) -> Site[EnvironmentRow]:
    """Return the dashboard for a server of its own, with its conditions of access."""
    root = workspace.root
    spell = spell_below(root)
    source = EnvironmentSource(workspace, spell)
    settings = Settings("envchart", str(root or "a store without files"), allow_actions, source)
    templates = Templates(
        ("environments.dashboard", "statechart.dashboard"), {"settings": settings}, pages.FILTERS
    )
    board = Board(
        source,
        Index(source),
        templates,
        draw=lambda row: {"html": templates.draw("row.html", row=row)},
        explain=lambda error: explained(error, spell),
        errors=(EnvironmentsError, StatechartError, OSError),
    )
    desk = Desk(workspace, board, spell, allow_actions)
    modules = (pages, api, metrics, incident, *((acting,) if allow_actions else ()))
    return Site(board, [route for module in modules for route in module.routes(desk)], access)
