"""Rows for people: the words, the remark and the way of an environment in an overview."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from environments.model.command_name import PATH
from environments.overview.row import DRIFTED
from environments.presentation.view import note_of
from environments.selection import FAILED, INTERRUPTED, UNDER_WAY
from statechart.terminal.text import ago

if TYPE_CHECKING:
    from environments.overview import EnvironmentRow

_STATIONS: Final = ("created", "provisioned", "configured", "released", "running")
_GOALS: Final[Mapping[str, str]] = dict(zip(PATH, _STATIONS[1:], strict=True))
_STATION: Final[Mapping[str, int]] = {
    **{state: number for number, state in enumerate(_STATIONS, 1)},
    **{f"{command}_failed": _STATIONS.index(goal) + 1 for command, goal in _GOALS.items()},
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


def way(row: EnvironmentRow) -> Way | None:
    """Return the way of an environment; None if it leads nowhere any more."""
    if row.summary is None or row.state not in _STATION:
        return None
    operation = row.summary.stored_operation
    reached = _STATION[row.state]
    if operation is not None and operation.is_active and operation.command in _GOALS:
        reached = _STATIONS.index(_GOALS[operation.command]) + 1
    of = len(_STATIONS)
    return Way(reached, of, f"station {reached} of {of}: {row.state}", row.kind in (FAILED, INTERRUPTED))


def condition(row: EnvironmentRow) -> str:
    """Return the state of an environment, or the command that leaves it in doubt, in a few words."""
    operation = row.summary.stored_operation if row.summary is not None else None
    if operation is not None:
        if row.kind == UNDER_WAY:
            return f"{operation.command} under way"
        if row.kind == INTERRUPTED or (row.kind == FAILED and not row.state.endswith("_failed")):
            return f"{operation.command} {row.kind}"
    return f"{row.state}, {DRIFTED}" if row.group == DRIFTED else row.state


def remark(row: EnvironmentRow) -> str:
    """Return what a person has to know of an environment beside its state; empty if there is nothing."""
    summary = row.summary
    if summary is None:
        return str(row.error or "")
    said = note_of(summary.stored_operation, summary.state.failure, interrupted=row.kind == INTERRUPTED)
    said = (said or "").removeprefix("interrupted: ")
    expires = summary.expires_at
    late = expires is not None and expires <= datetime.now(UTC) and row.state != "destroyed"
    expired = f"expired {ago(expires, datetime.now(UTC))}" if expires is not None and late else ""
    return "; ".join(filter(None, (row.stuck or said, row.drift, expired)))


def trouble(row: EnvironmentRow) -> str:
    """Return the headline of what needs a person."""
    operation = row.summary.stored_operation if row.summary is not None else None
    if operation is None:
        return condition(row)
    at = operation.failure.step if operation.failure else operation.step.name if operation.step else None
    how = (
        "was interrupted" if row.kind == INTERRUPTED else "failed" if row.kind == FAILED else "is under way"
    )
    return f"{operation.command} {how}{f' at {at}' if at else ''}"


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {  # Any: what a filter returns
    "way": way,
    "condition": condition,
    "remark": remark,
    "trouble": trouble,
}
"""The filters of the templates, beside those of all dashboards."""
