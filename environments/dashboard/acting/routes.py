"""The addresses of the actions."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse
from starlette.routing import Route

from environments.dashboard.acting.actions import ACTIONS, Action, offered, spelled
from environments.dashboard.acting.asked import Asked, expectation
from environments.dashboard.desk import checked
from environments.dashboard.parts import cleaner, records
from environments.dashboard.works import (
    ACTOR_VARIABLE,
    DATA_DIR_VARIABLE,
    STORE_VARIABLE,
    Work,
    Works,
    program,
)
from environments.model.fields.actor import as_actor
from environments.model.summary import UnreadableSummary
from environments.presentation.view import look
from statechart.dashboard.query import own_path
from statechart.dashboard.refusals import Refused
from statechart.errors import NotFound
from statechart.holder import Holder

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from environments.dashboard.desk import Desk
    from environments.model.environment import AnyEnvironment
    from environments.presentation.view import View
    from environments.workspace import Workspace
    from statechart.terminal.report import Report

_PATIENCE = 3.0  # seconds in which a command begins, or says why it does not
_MOMENT: Final = 2.0
_EVERY: Final = 0.05
_SHOWN: Final = 20  # records since the page was shown


def routes(desk: Desk) -> Sequence[Route]:
    """Return the addresses that start commands; none if actions are not allowed."""
    works = desk.works
    if works is None:
        return []
    act = partial(_act, desk, works)
    ask = partial(_ask, desk)
    return [
        *(Route(f"/e/{{name}}/{each.path}", ask) for each in ACTIONS.values() if each.is_confirmed),
        Route("/e/{name}/{command}", act, methods=["POST"]),
    ]


async def _ask(desk: Desk, request: Request) -> Response:
    """Ask for the name of an environment, before a command that takes something away."""
    action = ACTIONS[own_path(request).rpartition("/")[2]]
    view = await asyncio.to_thread(look, desk.workspace, checked(request.path_params["name"]))
    _require_offered(desk, view, action)
    return _confirmation(desk, request, view, action, typed=None)


def _confirmation(
    desk: Desk, request: Request, view: View[AnyEnvironment], action: Action, *, typed: str | None
) -> Response:
    environment = view.environment
    return desk.board.templates.page(
        request,
        "acting_confirm.html",
        status=HTTPStatus.OK if typed is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        name=environment.name,
        action=action,
        condition=view.condition,
        expected=expectation(environment),
        command=spelled(action, environment.name, desk.spell),
        typed=typed,
    )


async def _act(desk: Desk, works: Works, request: Request) -> Response:
    """Start a command, if it is one of the next, and what the person has seen is still so."""
    asked = await Asked.read(request)
    name, action = asked.name, asked.action
    work = Work(name, spelled(action, name, desk.spell), asked.expected[1])
    # The process of a command ends a moment after its last record.
    await _within(_MOMENT, lambda: (before := works.of(name)) is None or before.is_over)
    works.claim(work)
    try:
        view = await asyncio.to_thread(look, desk.workspace, name)
        if not asked.fits(view.environment):
            return await asyncio.to_thread(_stale, desk, request, view, asked)
        _require_offered(desk, view, action)
        if action.is_confirmed and asked.confirmed != name:
            return _confirmation(desk, request, view, action, typed=asked.confirmed)
        found_by, variables = _place(desk.workspace)
        line = [*program(), "--json", *found_by, *action.command_line(name)]
        loop = asyncio.get_running_loop()
        variables[ACTOR_VARIABLE] = actor_of(request)
        work.run(line, variables, partial(_tell_end, desk, work, loop))
    finally:
        if not work.is_begun:
            works.drop(work)
    await _within(_PATIENCE, lambda: work.is_over or not _is_unchanged(desk, view.environment))
    if work.is_over and work.report is not None and _is_unchanged(desk, view.environment):
        works.drop(work)
        raise Refused.of(_cleaned(work, view.environment))
    exists = await asyncio.to_thread(desk.workspace.exists, name)
    place = f"/e/{name}" if exists else "/"
    return RedirectResponse(f"{request.scope.get('root_path', '')}{place}", HTTPStatus.SEE_OTHER)


def _place(workspace: Workspace) -> tuple[list[str], dict[str, str]]:
    """Return the options and the variables by which the command line finds the environments."""
    if workspace.store_url is None:
        return ["--data-dir", str(workspace.root)], {}
    # Not an option: other users of this machine see those, and a password may be part of the URL.
    return [], {STORE_VARIABLE: workspace.store_url, DATA_DIR_VARIABLE: ""}


def _require_offered(desk: Desk, view: View[AnyEnvironment], action: Action) -> None:
    name = view.environment.name
    if view.holder is not None:
        raise Refused(
            HTTPStatus.CONFLICT,
            "locked",
            f"{name} is being changed by {view.holder.describe()}",
            commands=(desk.spell("watch NAME", name),),
        )
    if action not in offered(view):
        others = ", ".join(each.words for each in offered(view)) or "nothing"
        raise Refused(
            HTTPStatus.CONFLICT,
            "not_allowed",
            f"{action.words} is not a next command: {name} is {view.condition}",
            (f"what can follow: {others}",),
        )


def _stale(desk: Desk, request: Request, view: View[AnyEnvironment], asked: Asked) -> Response:
    """Return the page that tells what has changed since a page was shown."""
    environment, (_, seen) = view.environment, asked.expected
    entries, _ = desk.workspace.readable(environment.name)
    say = cleaner(environment)
    since = [
        {**record, "words": say(record["words"])}
        for record in records(list(entries))
        if record["revision"] > seen
    ]
    return desk.board.templates.page(
        request,
        "acting_stale.html",
        status=HTTPStatus.CONFLICT,
        name=environment.name,
        action=asked.action,
        seen=seen,
        revision=environment.revision,
        condition=view.condition,
        records=since[-_SHOWN:],
    )


async def _within(seconds: float, happened: Callable[[], bool]) -> None:
    """Wait until something has happened, but not for long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not await asyncio.to_thread(happened):  # noqa: ASYNC110  # other processes
                await asyncio.sleep(_EVERY)


def _is_unchanged(desk: Desk, before: AnyEnvironment) -> bool:
    try:
        found = desk.workspace.summary(before.name)
    except NotFound:
        return False
    if isinstance(found, UnreadableSummary):
        return False
    return (found.lineage, found.revision) == (before.lineage, before.revision)


def _cleaned(work: Work, environment: AnyEnvironment) -> Report:
    """Return why a command failed, as a page may show it."""
    assert work.report is not None
    say = cleaner(environment)
    return work.report._replace(message=say(work.report.message), next=tuple(map(say, work.report.next)))


def _tell_end(desk: Desk, work: Work, loop: asyncio.AbstractEventLoop) -> None:
    """Have open pages ask for themselves again if a command failed: its record may be as before."""
    if work.report is not None:
        with suppress(RuntimeError):  # the dashboard has ended
            loop.call_soon_threadsafe(desk.board.hub.resync)


def actor_of(request: Request) -> str:
    """Return the person on record: whom the application around knows, or who started the dashboard."""
    user = request.scope.get("user")
    known = getattr(user, "display_name", "") if getattr(user, "is_authenticated", False) else ""
    return as_actor(known or os.environ.get(ACTOR_VARIABLE) or Holder.current().user, " via dashboard")


def acting_facts(desk: Desk, view: View[AnyEnvironment]) -> dict[str, object] | None:
    """Return the actions on the page of an environment: buttons, and the last command."""
    environment, works = view.environment, desk.works
    if works is None:
        return None
    work = works.of(environment.name)
    if work is not None and work.revision != environment.revision:
        work = None  # from its first record on, the record tells more
    goes_on = work is not None and not work.is_over
    has_failed = work is not None and work.is_over and work.report is not None
    return {
        "actions": () if goes_on else tuple(offered(view)),
        "work": work if goes_on or has_failed else None,
        "trouble": _cleaned(work, environment) if work is not None and has_failed else None,
        "expected": expectation(environment),
    }
