"""The chart with the path of an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.model.records import TransitionRecord
from environments.presentation.answers.history import past, past_view
from environments.presentation.view import look
from statechart.picture import Marks, Visit, timed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from environments.model.environment import AnyEnvironment
    from environments.model.records import HistoryEntry
    from environments.presentation.answers.archive import Archive
    from environments.presentation.view import View


def chart_marks(archive: Archive, name: str, at: int | datetime | None = None) -> Marks:
    """Return the path of an environment and its state, now or as of a revision or a time.

    Raises:
        NoSuchMoment: The environment did not exist then.
        StorageError: The environment can't be read.
        UnknownProvider: Its provider is not installed.
    """
    entries: Iterable[HistoryEntry] = archive.history(name)
    if at is None:
        view = look(archive, name)
    else:
        then = past(archive, name, at)
        view, entries = past_view(then), (entry for entry in entries if entry.seq <= then.entry.seq)
    environment = view.environment
    return Marks(
        current=environment.state.name.value,
        failed=environment.failure is not None,
        visits=_visits(entries),
        remark=_remark(view),
    )


def chart_document(marks: Marks, name: str | None, format: str) -> dict[str, object]:
    """Return the document of `diagram`, without the diagram."""
    failed = marks.current if marks.failed else None
    return {"format": format, "of": name, "current": marks.current, "failed": failed}


def _visits(entries: Iterable[HistoryEntry]) -> list[Visit]:
    taken = ((entry.at, entry.record) for entry in entries if isinstance(entry.record, TransitionRecord))
    return timed((at, record.from_state, record.event, record.to_state) for at, record in taken)


def _remark(view: View[AnyEnvironment]) -> str:
    environment = view.environment
    since = f"{environment.name}, here since {environment.since:%Y-%m-%d %H:%M:%S}Z"
    operation, failure = environment.operation, environment.failure
    if failure is not None:
        return f"{since}, {failure.command} failed at step {failure.step}"
    if operation is None:
        return since
    doing = "under way" if operation.is_active and not view.interrupted else "interrupted"
    return (
        f"{since}, {operation.command} {doing}{f' at step {operation.step.name}' if operation.step else ''}"
    )
