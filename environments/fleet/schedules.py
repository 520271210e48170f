"""Schedules: what a fleet does at its times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from environments.fleet.goals import Goal
from environments.fleet.numbers import number_of
from environments.fleet.wishes import Wish
from environments.model.errors import UnreadableSummary
from environments.selection import Selection

if TYPE_CHECKING:
    from environments.workspace import Workspace

KINDS: Final[Mapping[str, Goal]] = {"drift": Goal("drift"), "expires": Goal("destroyed")}
"""The schedules of a fleet, each with the goal of its wishes."""

Planner: TypeAlias = Callable[[str], dict[str, Wish]]
"""Returns the wishes of a schedule, by their numbers."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of a fleet.

    Attributes:
        kind: `drift`, which compares each environment with the world, or `expires`, which destroys the
            environments whose time has passed.
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


def wishes_of(kind: str, workspace: Workspace) -> dict[str, Wish]:
    """Return the wishes of a schedule, by their numbers, as the environments are now."""
    goal = KINDS[kind]
    return {number_of(name): Wish(name, goal, f"schedule {kind}") for name in _names(kind, workspace)}


def _names(kind: str, workspace: Workspace) -> Iterator[str]:
    selection = Selection(expired=True) if kind == "expires" else Selection(all=True)
    for each in workspace.select(selection):
        if isinstance(each, UnreadableSummary) or each.state.name == "destroyed":
            continue
        operation = each.stored_operation
        # A comparison would wait for the command under way, and for nothing.
        if kind == "drift" and (each.state.name == "created" or (operation and operation.is_active)):
            continue
        yield each.name
