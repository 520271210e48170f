"""One environment, now or as it was: the facts of its pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from markupsafe import Markup

from environments.configuration.spec_text import spec_text
from environments.dashboard.pages.steps import stations
from environments.errors import InvalidName
from environments.lifecycle import Lifecycle
from environments.model.names import check_name
from environments.model.summary import Summary
from environments.overview import ATTENTION, EnvironmentRow
from environments.presentation.answers.chart import chart_marks
from environments.presentation.answers.history import past, past_view
from environments.presentation.answers.logs import log_document, trace_document
from environments.presentation.answers.story import story
from environments.presentation.text import told_records
from environments.secrets.redaction import redactor
from statechart.dashboard.refusals import Refused
from statechart.errors import NotFound, StorageError
from statechart.formats.svg import svg
from statechart.picture import Marks, compose

if TYPE_CHECKING:
    from environments.dashboard.desk import Desk
    from environments.model.environment import AnyEnvironment
    from environments.model.records import HistoryEntry, Past
    from environments.presentation.view import View

Facts: TypeAlias = dict[str, Any]  # Any: what a template shows

_RECORDS: Final = 100
_LOG_LINES: Final = 40
_TRACE_LINES: Final = 60


def present(desk: Desk, name: str, at: int) -> Facts:
    """Return the facts of an environment, as of a revision; 0 and the last one mean now.

    Raises:
        Refused: No environment can have this name.
        StorageError: The environment can't be read.
        UnknownProvider: Its provider is not installed.
    """
    entries = _entries(desk, name)
    lowest, highest = entries[0].revision, entries[-1].revision
    shown = min(max(at, lowest), highest) if at else highest
    then = past(desk.workspace, name, shown) if shown < highest else None
    return {
        **_frame(desk, name),
        "lowest": lowest,
        "shown": shown,
        "highest": highest,
        "then": then.entry if then is not None else None,
        **_pictures(chart_marks(desk.workspace, name, None if then is None else shown)),
        "records": _records(entries, shown),
        "earlier": max(0, len(entries) - _RECORDS),
        **(_now(desk, name, entries) if then is None else _then(then, entries)),
    }


def _entries(desk: Desk, name: str) -> Sequence[HistoryEntry]:
    """Return the records that can be read."""
    try:
        check_name(name)
    except InvalidName as error:
        raise Refused(HTTPStatus.NOT_FOUND, "not_found", "no environment can have this name") from error
    entries, damage = desk.workspace.readable(name)
    found = list(entries)
    if not found:
        raise damage or NotFound(name, str(desk.workspace.root))
    return found


def _frame(desk: Desk, name: str) -> Facts:
    """Return the facts of all pages of an environment."""
    return {"name": name, "directory": str(desk.workspace.directory(name))}


def _now(desk: Desk, name: str, entries: Sequence[HistoryEntry]) -> Facts:
    """Return the facts of the present: also why it is so, and what to do."""
    view, told = story(desk.workspace, name)
    row = desk.board.source.row(name)
    if row is None:  # purged in this moment
        raise NotFound(name, str(desk.workspace.root))
    return {
        **_facts(view, row),
        "line": stations(view, entries, datetime.now(UTC)),
        "story": told,
        "following": [(desk.spell(step, name), effect) for step, effect in told.following],
        **_drift(desk, view),
        "log": _log(desk, name, _LOG_LINES),
        "trace": _trace(desk, name, _TRACE_LINES),
    }


def _drift(desk: Desk, view: View[AnyEnvironment]) -> Facts:
    """Return the last look at the resources, with the commands that repair the differences."""
    name, look = view.environment.name, view.last_look
    steps = dict.fromkeys(each.then for each in look.findings if each.then) if look is not None else {}
    return {
        "look": look,
        "repairs": [desk.spell(f"{step} NAME", name) for step in steps],
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
        "log": None,
        "trace": None,
    }


def _facts(view: View[AnyEnvironment], row: EnvironmentRow) -> Facts:
    environment = view.environment
    redact = redactor(environment.spec)
    failure = environment.failure
    return {
        "row": row,
        "is_trouble": row.group in ATTENTION,
        "environment": environment,
        "holder": view.holder.describe() if view.holder is not None else None,
        "failure": failure,
        "said": redact(failure.summary) if failure is not None else "",
        "outputs": _outputs(environment),
        "spec": redact(spec_text(environment.spec)),
    }


def _outputs(environment: AnyEnvironment) -> Mapping[str, str]:
    """Return the outputs that are set, as texts."""
    stored = environment.outputs.model_dump(mode="json", exclude={"details"}, exclude_defaults=True)
    return {
        key.replace("_", " "): str(value)
        for key, value in {**stored, **environment.outputs.details}.items()
        if value not in (None, "")
    }


def _pictures(marks: Marks) -> Facts:
    """Return the chart for wide screens and for narrow ones."""
    # The history has the times, and the page the remark: so the chart has room for the order.
    visits = [replace(each, label="", time="") for each in marks.visits]
    picture = compose(Lifecycle, replace(marks, visits=visits))
    picture = replace(picture, notes=[note for note in picture.notes if not note.is_remark])
    return {
        "level": Markup(svg(picture, styled=False, prefix="l-")),
        "upright": Markup(svg(picture, styled=False, upright=True, prefix="u-")),
    }


def _records(entries: Sequence[HistoryEntry], shown: int) -> list[Facts]:
    """Return the latest records that tell something, the newest first."""
    return [
        {
            "seq": entry.seq,
            "revision": entry.revision,
            "at": entry.at,
            "actor": entry.actor,
            "words": words.strip(),
            "is_step": entry.record.type == "step",
            "is_shown": entry.revision == shown and entry.record.type != "step",
        }
        for entry, words in reversed([*told_records(entries[-_RECORDS:])])
    ]


def _log(desk: Desk, name: str, lines: int) -> Facts:
    """Return the end of the service's log, as far as it is on this machine, or the obstacle."""
    try:
        return {**log_document(desk.workspace, name, lines), "obstacle": None}
    except StorageError as error:
        return {"files": [], "lines": [], "obstacle": str(error)}


def _trace(desk: Desk, name: str, lines: int) -> Facts:
    """Return the end of the last trace, or the obstacle."""
    try:
        document = trace_document(desk.workspace, name)
    except StorageError as error:
        return {"file": None, "lines": [], "earlier": 0, "obstacle": str(error)}
    found = str(document["trace"]).splitlines()
    return {
        "file": document["file"],
        "lines": found[-lines:],
        "earlier": max(0, len(found) - lines),
        "obstacle": None,
    }


def log(desk: Desk, name: str, lines: int) -> Facts:
    """Return the facts of the page of a log."""
    _entries(desk, name)
    found = _log(desk, name, lines)
    command = desk.spell(f"logs NAME --lines {lines} --follow", name)
    return {**_frame(desk, name), "kind": "log", **found, "earlier": 0, "command": command}


def trace(desk: Desk, name: str, lines: int = 5_000) -> Facts:
    """Return the facts of the page of a trace."""
    _entries(desk, name)
    found = _trace(desk, name, lines)
    files = [found["file"]] if found["file"] else []
    return {
        **_frame(desk, name),
        "kind": "trace",
        **found,
        "files": files,
        "command": desk.spell("logs NAME --trace", name),
    }


def chart(desk: Desk, name: str, at: int) -> str:
    """Return the chart with the way of an environment, as a file of its own."""
    entries = _entries(desk, name)
    highest = entries[-1].revision
    shown = min(max(at, entries[0].revision), highest) if at else highest
    marks = chart_marks(desk.workspace, name, None if shown == highest else shown)
    return svg(compose(Lifecycle, marks))
