"""Rows for people: the words, the remark and the way of an environment in an overview."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from environments.model.command_name import PATH
from environments.overview.row import DESTROYED, DRIFTED
from environments.presentation.view import note_of
from environments.selection import FAILED, INTERRUPTED, UNDER_WAY
from statechart.terminal.text import ago

if TYPE_CHECKING:
    from environments.model.stored import StoredOperation
    from environments.model.summary import Summary
    from environments.overview.row import EnvironmentRow

_SEEMS: Final = "seems stuck"
STATIONS: Final = ("created", "provisioned", "configured", "released", "running")
"""The states on the way to running."""
_GOALS: Final[Mapping[str, str]] = dict(zip(PATH, STATIONS[1:], strict=True))
_STATION: Final[Mapping[str, int]] = {
    **{state: number for number, state in enumerate(STATIONS, 1)},
    **{f"{command}_failed": STATIONS.index(goal) + 1 for command, goal in _GOALS.items()},
    "provisioning": 2,
    "configuring": 3,
    "releasing": 4,
}


class Way(NamedTuple):
    """How far an environment came on its way to running.

    Attributes:
        reached: The number of the last station, from 1.
        of: The number of stations.
        words: The same in words.
        broken: Whether the last station was not reached, because its command failed.
    """

    reached: int
    of: int
    words: str
    broken: bool


class Told(NamedTuple):
    """An environment as a row tells it.

    Attributes:
        condition: The state, or the command that leaves it in doubt, in a few words.
        remark: What a person has to know beside it; empty if there is nothing.
        way: The way; None if it leads nowhere any more.
    """

    condition: str
    remark: str
    way: Way | None


def told(row: EnvironmentRow) -> Told:
    """Return an environment as a row tells it."""
    if row.summary is None:
        return Told(row.state, str(row.error or ""), None)
    operation = row.summary.stored_operation
    return Told(_condition(row, operation), _remark(row, row.summary, operation), _way(row, operation))


def _condition(row: EnvironmentRow, operation: StoredOperation | None) -> str:
    if operation is not None:
        if row.stuck:
            return f"{operation.command} {_SEEMS}"
        if row.kind == UNDER_WAY:
            return f"{operation.command} under way"
        if row.kind == INTERRUPTED or (row.kind == FAILED and not row.state.endswith("_failed")):
            return f"{operation.command} {row.kind}"
    return f"{row.state}, {DRIFTED}" if row.group == DRIFTED else row.state


def _remark(row: EnvironmentRow, summary: Summary, operation: StoredOperation | None) -> str:
    said = note_of(operation, summary.state.failure, interrupted=row.kind == INTERRUPTED) or ""
    expires, now = summary.expires_at, datetime.now(UTC)
    is_late = expires is not None and expires <= now and row.state != DESTROYED
    expired = f"expired {ago(expires, now)}" if expires is not None and is_late else ""
    said = row.stuck or said.removeprefix("interrupted: ")
    if operation is not None:  # which the condition names
        for words in (f"{_SEEMS} ", f"{FAILED} at ", ""):
            said = said.removeprefix(f"{operation.command} {words}")
    return "; ".join(filter(None, (said, row.drift, expired)))


def _way(row: EnvironmentRow, operation: StoredOperation | None) -> Way | None:
    if row.state not in _STATION:
        return None
    reached = _STATION[row.state]
    if operation is not None and operation.is_active and operation.command in _GOALS:
        reached = STATIONS.index(_GOALS[operation.command]) + 1
    of = len(STATIONS)
    return Way(reached, of, f"station {reached} of {of}: {row.state}", row.kind in (FAILED, INTERRUPTED))


def trouble(row: EnvironmentRow) -> str:
    """Return the headline of what needs a person."""
    operation = row.summary.stored_operation if row.summary is not None else None
    if operation is None:
        return told(row).condition
    at = operation.failure.step if operation.failure else operation.step.name if operation.step else None
    how = {INTERRUPTED: "was interrupted", FAILED: FAILED}.get(row.kind, "is under way")
    how = _SEEMS if row.stuck else how
    return f"{operation.command} {how}{f' at {at}' if at else ''}"
