"""The incident file: everything known of an environment, as one HTML page that loads nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from starlette.routing import Route

from environments.configuration.spec_text import spec_text
from environments.dashboard.desk import checked, spell_below as spell_below
from environments.dashboard.pages.archive import PageArchive
from environments.dashboard.pages.one import pictures
from environments.model.summary import Summary
from environments.overview import EnvironmentRow
from environments.presentation.answers.chart import chart_marks
from environments.presentation.answers.story import story
from environments.presentation.excerpts import Excerpt, log_excerpt, trace_excerpt
from environments.presentation.steps import stations
from environments.presentation.text import told_records
from environments.secrets.redaction import clean, redactor
from statechart.dashboard.standalone import standalone, standalone_response
from statechart.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from environments.dashboard.desk import Desk
    from environments.model.environment import AnyEnvironment
    from environments.model.records import HistoryEntry
    from environments.presentation.documents import Spell
    from environments.presentation.view import View
    from environments.workspace import Workspace
    from statechart.terminal.story import Story

_RECORDS: Final = 200
_LOG_LINES: Final = 100
_EXCERPT: Final = 49_152  # bytes of a log or a trace


def routes(desk: Desk) -> Sequence[Route]:
    """Return the address of the incident file."""

    async def file(request: Request) -> Response:
        name = checked(request.path_params["name"])
        page = await asyncio.to_thread(incident, desk.workspace, name, desk.spell)
        return standalone_response(page)

    return [Route("/e/{name}/incident.html", file)]


def incident(workspace: Workspace, name: str, spell: Spell) -> str:
    """Return the page about an environment. It has no script, no secret, and asks for no other file.

    Raises:
        StorageError: The environment can't be read.
        UnknownProvider: Its provider is not installed.
    """
    archive = PageArchive(workspace, name)
    view, told = story(archive, name)
    found, (_, gap) = archive.entries, archive.readable(name)
    directory = workspace.directory(name)
    redact = redactor(view.environment.spec)
    facts = {
        "name": name,
        "say": lambda text: clean(str(text), redact),
        "gap": gap,
        "log": _excerpt(lambda: log_excerpt(view.environment, directory, _LOG_LINES, _EXCERPT)),
        "trace": _excerpt(lambda: trace_excerpt(view.environment, directory, _EXCERPT)),
        "records": _records(found),
        "earlier": max(0, len(found) - _RECORDS),
        "line": stations(view, found, datetime.now(UTC)),
        "story": told,
        "following": [(spell(step, name), effect) for step, effect in told.following],
        **pictures(chart_marks(archive, name)),
        **_facts(view, told),
    }
    return standalone("environments.dashboard", "incident.html", facts)


def _facts(view: View[AnyEnvironment], told: Story) -> Mapping[str, object]:
    environment = view.environment
    summary = Summary.of(environment, view.actor, view.last_look)
    held = view.holder is not None
    outputs = environment.outputs.model_dump(mode="json", exclude={"details"}, exclude_defaults=True)
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
        "outputs": {
            key: value
            for key, value in {**outputs, **environment.outputs.details}.items()
            if value not in (None, "")
        },
    }


def _records(entries: Sequence[HistoryEntry]) -> Iterable[Mapping[str, object]]:
    """Return the latest records that tell something, oldest first."""
    return [
        {
            "revision": entry.revision,
            "at": entry.at,
            "actor": entry.actor,
            "words": words.strip(),
            "is_step": entry.record.type == "step",
        }
        for entry, words in told_records(entries[-_RECORDS:])
    ]


def _excerpt(read: Callable[[], Excerpt]) -> tuple[Excerpt, str]:
    """Return a part of a text, and the obstacle to reading it."""
    try:
        return read(), ""
    except StorageError as error:
        return Excerpt(), str(error)
