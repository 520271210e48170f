"""Schedules: what a fleet does at its times."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Final, TypeAlias

from environments.fleet.errors import InvalidSchedule
from environments.fleet.goals import Goal
from environments.fleet.numbers import number_of
from environments.fleet.wishes import Wish
from environments.model.errors import UnreadableSummary
from environments.selection import Selection
from statechart.wording import listed

if TYPE_CHECKING:
    from environments.workspace import Workspace

KINDS: Final[Mapping[str, Goal | None]] = {
    "drift": Goal("drift"),
    "expires": Goal("destroyed"),
    "timers": Goal("destroyed"),
    "prune": None,
}
"""The schedules of a fleet, each with the goal of its wishes; None for work on the queue itself."""

RETENTION: Final = timedelta(days=30)
"""How long wishes are kept after their end, by default."""

_FIELD: Final = re.compile(r"[0-9A-Za-z*,/-]+")

Planner: TypeAlias = Callable[[str], dict[str, Wish]]
"""Returns the wishes of a schedule, by their numbers."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of a fleet.

    Attributes:
        kind: `drift`, which compares each environment with the world; `expires`, which destroys the
            environments whose time has passed; `timers`, which destroys those of them whose spec says
            so; or `prune`, which deletes wishes that ended 30 days ago.
        cron: Minute, hour, day, month and weekday, in UTC.
        fired_at: The last time, if there was one.
    """

    kind: str
    cron: str
    fired_at: datetime | None = None

    def document(self) -> dict[str, object]:
        """Return the document that `--json` prints."""
        fired = None if self.fired_at is None else self.fired_at.isoformat(timespec="milliseconds")
        return {"kind": self.kind, "cron": self.cron, "fired_at": fired}


def check_kind(kind: str) -> None:
    """Check that there are schedules of a kind.

    Raises:
        InvalidSchedule: There are none.
    """
    if kind not in KINDS:
        raise InvalidSchedule(kind, f"a fleet schedules {listed(KINDS)}")


def check_cron(cron: str) -> None:
    """Check that times can be read.

    Raises:
        InvalidSchedule: They can't be.
    """
    fields = cron.split()
    if len(fields) != 5 or not all(_FIELD.fullmatch(each) for each in fields):
        raise InvalidSchedule(cron, f"it has {len(fields)} fields")
    croniter = import_module("croniter").croniter
    if not croniter.is_valid(cron):
        raise InvalidSchedule(cron, "its fields make no time")


def wishes_of(kind: str, workspace: Workspace) -> dict[str, Wish]:
    """Return the wishes of a schedule, by their numbers, as the environments are now."""
    goal = KINDS.get(kind)
    if goal is None:
        return {}
    return {number_of(name): Wish(name, goal, f"schedule {kind}") for name in _names(kind, workspace)}


def _names(kind: str, workspace: Workspace) -> Iterator[str]:
    selection = Selection(expired=True) if kind in ("expires", "timers") else Selection(all=True)
    for each in workspace.select(selection):
        if isinstance(each, UnreadableSummary) or each.state.name == "destroyed":
            continue
        if kind == "timers" and each.spec.on_expiry != "destroy":
            continue
        operation = each.stored_operation
        # A comparison would wait for the command under way, and for nothing.
        if kind == "drift" and (each.state.name == "created" or (operation and operation.is_active)):
            continue
        yield each.name
