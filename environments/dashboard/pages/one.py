"""One environment, now or as it was: the facts of its pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from environments.configuration.spec_text import spec_text
from environments.dashboard.acting import acting_facts
from environments.dashboard.desk import checked
from environments.dashboard.pages.archive import PageArchive
from environments.dashboard.parts import Facts, cleaner, excerpt, outputs, pictures, records
from environments.lifecycle import Lifecycle
from environments.model.summary import Summary
from environments.overview import ATTENTION, EnvironmentRow
from environments.presentation.answers.chart import chart_marks
from environments.presentation.answers.history import past, past_view
from environments.presentation.answers.now import story
from environments.presentation.excerpts import log_excerpt, trace_excerpt
from environments.presentation.steps import stations
from statechart.formats.svg import svg
from statechart.picture import compose

if TYPE_CHECKING:
    from environments.dashboard.desk import Desk
    from environments.model.environment import AnyEnvironment
    from environments.model.records import HistoryEntry, Past
    from environments.presentation.view import View
    from statechart.terminal.story import Story

_LOG_LINES: Final = 40
_SHOWN: Final = frozenset({"show", "why"})  # commands whose answers the page has
_TRACE: Final = 24_576  # bytes: a page of its own has more


def present(desk: Desk, name: str, at: int, most: int) -> Facts:
    """Return the facts of an environment.

    Args:
        desk: The dashboard.
        name: The environment.
        at: The revision; 0 and the last revision mean now.
        most: How many of the latest records are listed.

    Raises:
        Refused: No environment can have this name.
        StorageError: The environment can't be read.
        UnknownProvider: Its provider is not installed.
    """
    archive = _archive(desk, name)
    entries = archive.entries
    shown, highest = _revision(entries, at), entries[-1].revision
    then = past(archive, name, shown) if shown < highest else None
    return {
        "name": name,
        "directory": str(desk.workspace.directory(name)),
        "lowest": entries[0].revision,
        "shown": shown,
        "highest": highest,
        "then": then.entry if then is not None else None,
        **pictures(chart_marks(archive, name, None if then is None else shown)),
        "records": _records(entries[-most:], shown),
        "earlier": max(0, len(entries) - most),
        **(_now(desk, archive, name) if then is None else _then(then, entries)),
    }


def _archive(desk: Desk, name: str) -> PageArchive:
    return PageArchive(desk.workspace, checked(name))


def _load(desk: Desk, name: str) -> AnyEnvironment:
    checked(name)
    return desk.workspace.load(name)


def _revision(entries: Sequence[HistoryEntry], at: int) -> int:
    """Return a revision that can be shown, whatever was typed; 0 means the last."""
    highest = entries[-1].revision
    return min(max(at, entries[0].revision), highest) if at else highest


def _now(desk: Desk, archive: PageArchive, name: str) -> Facts:
    """Return the facts of the present: also why it is so, and what to do."""
    view, told = story(archive, name)
    line = stations(view, archive.entries, datetime.now(UTC))
    summary = Summary.of(view.environment, view.actor, view.last_look)
    stuck = line.pace.stuck if line is not None and line.pace is not None else None
    return {
        **_facts(view, EnvironmentRow.of(summary, held=view.holder is not None, stuck=stuck)),
        "line": line,
        "story": _told(told, cleaner(view.environment)),
        "following": [(desk.spell(step, name), effect) for step, effect in _following(told)],
        **_drift(desk, view),
        "acting": acting_facts(desk, view),
        "log": excerpt(lambda: log_excerpt(view.environment, desk.workspace.directory(name), _LOG_LINES)),
        "trace": excerpt(lambda: trace_excerpt(view.environment, desk.workspace.directory(name), _TRACE)),
    }


def _told(story: Story, say: Callable[[object], str]) -> Story:
    return replace(
        story,
        headline=say(story.headline),
        happened=tuple(map(say, story.happened)),
        known=tuple(map(say, story.known)),
        unknown=tuple(map(say, story.unknown)),
    )


def _following(told: Story) -> Sequence[tuple[str, str]]:
    """Return the next commands with their effects, beyond looking."""
    return [(step, effect) for step, effect in told.following if step.split()[0] not in _SHOWN]


def _drift(desk: Desk, view: View[AnyEnvironment]) -> Facts:
    """Return the last look at the resources, with the commands that repair the differences."""
    name = view.environment.name
    return {
        "look": view.last_look,
        "repairs": [desk.spell(step, name) for step in view.repairs],
        "compare": desk.spell("drift NAME", name),
    }


def _then(then: Past, entries: Sequence[HistoryEntry]) -> Facts:
    """Return the facts of the past, without anything that can be done."""
    view = past_view(then)
    row = EnvironmentRow.of(Summary.of(then.environment), held=view.holder is not None)
    until = [entry for entry in entries if entry.seq <= then.entry.seq]
    return {
        **_facts(view, row),
        "holder": None,
        "line": stations(view, until, then.entry.at),
        "story": None,
        "following": (),
        "acting": None,
        "log": None,
        "trace": None,
    }


def _facts(view: View[AnyEnvironment], row: EnvironmentRow) -> Facts:
    environment, say = view.environment, cleaner(view.environment)
    failure = environment.failure
    return {
        "row": row,
        "is_trouble": row.group in ATTENTION,
        "environment": environment,
        "holder": view.holder.describe() if view.holder is not None else None,
        "failure": failure,
        "said": say(failure.summary) if failure is not None else "",
        "outputs": outputs(environment, say),
        "say": say,
        "spec": say(spec_text(environment.spec)),
    }


def _records(entries: Sequence[HistoryEntry], shown: int) -> list[Facts]:
    """Return the latest records that tell something, the newest first."""
    return [
        {**record, "is_shown": record["revision"] == shown and not record["is_step"]}
        for record in reversed([*records(entries)])
    ]


def log(desk: Desk, name: str, lines: int) -> Facts:
    """Return the facts of the page of a log; raises the same errors as `present`."""
    environment, directory = _load(desk, name), desk.workspace.directory(name)
    return {
        "name": name,
        "kind": "log",
        **excerpt(lambda: log_excerpt(environment, directory, lines)),
        "command": desk.spell(f"logs NAME --lines {lines} --follow", name),
    }


def trace(desk: Desk, name: str) -> Facts:
    """Return the facts of the page of a trace; raises the same errors as `present`."""
    environment, directory = _load(desk, name), desk.workspace.directory(name)
    return {
        "name": name,
        "kind": "trace",
        **excerpt(lambda: trace_excerpt(environment, directory)),
        "command": desk.spell("logs NAME --trace", name),
    }


def chart(desk: Desk, name: str, at: int) -> str:
    """Return the chart with the way of an environment, as a file; raises the same errors as `present`."""
    archive = _archive(desk, name)
    shown = _revision(archive.entries, at)
    marks = chart_marks(archive, name, None if shown == archive.entries[-1].revision else shown)
    return svg(compose(Lifecycle, marks))
