"""The incident file: everything known of an environment, as one HTML page that loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from environments.configuration.spec_text import spec_text
from environments.dashboard.desk import checked, spell_for
from environments.dashboard.pages.archive import PageArchive
from environments.dashboard.parts import Facts, cleaner, excerpt, outputs, pictures, records
from environments.model.summary import Summary
from environments.overview import EnvironmentRow
from environments.presentation.answers.chart import chart_marks
from environments.presentation.answers.now import story
from environments.presentation.excerpts import log_excerpt, trace_excerpt
from environments.presentation.steps import stations
from statechart.dashboard.standalone import standalone, standalone_response

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from environments.dashboard.desk import Desk
    from environments.model.environment import AnyEnvironment
    from environments.presentation.view import View
    from environments.workspace import Workspace
    from statechart.terminal.story import Story

_RECORDS: Final = 200
_LOG_LINES: Final = 100
_EXCERPT: Final = 49_152  # bytes of a log or a trace


def routes(desk: Desk) -> Sequence[Route]:
    """Return the address of the incident file."""

    # Reading blocks: Starlette runs a function that is not a coroutine in a thread.
    def file(request: Request) -> Response:
        name = checked(request.path_params["name"])
        return standalone_response(incident(desk.workspace, name))

    return [Route("/e/{name}/incident.html", file)]


def incident(workspace: Workspace, name: str) -> str:
    """Return the page about an environment. It has no script, no secret, and asks for no other file.

    Raises:
        StorageError: The environment can't be read.
        UnknownProvider: Its provider is not installed.
    """
    archive = PageArchive(workspace, name)
    view, told = story(archive, name)
    found, (_, gap) = archive.entries, archive.readable(name)
    directory = workspace.directory(name)
    spell = spell_for(workspace)
    facts = {
        "name": name,
        "gap": gap,
        "log": excerpt(lambda: log_excerpt(view.environment, directory, _LOG_LINES, _EXCERPT)),
        "trace": excerpt(lambda: trace_excerpt(view.environment, directory, _EXCERPT)),
        "records": records(found[-_RECORDS:]),
        "earlier": max(0, len(found) - _RECORDS),
        "line": stations(view, found, datetime.now(UTC)),
        "story": told,
        "following": [(spell(step, name), effect) for step, effect in told.following],
        **pictures(chart_marks(archive, name)),
        **_facts(view, told),
    }
    return standalone("environments.dashboard", "incident.html", facts)


def _facts(view: View[AnyEnvironment], told: Story) -> Facts:
    environment, say = view.environment, cleaner(view.environment)
    summary = Summary.of(environment, view.actor, view.last_look)
    held = view.holder is not None
    return {
        "row": EnvironmentRow.of(summary, held=held, stuck=view.pace.stuck if view.pace else None),
        "environment": environment,
        "condition": view.condition,
        "holder": view.holder.describe() if view.holder is not None else None,
        "failure": environment.failure,
        "actor": view.actor,
        "look": view.last_look,
        "pace": view.pace,
        "words": told.words,
        "spec": spec_text(environment.spec),
        "outputs": outputs(environment, say),
        "say": say,
    }
