"""The source of the rows: the environments of a workspace."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from environments.errors import InvalidName, UnknownProvider
from environments.model.summary import Summary, UnreadableSummary
from environments.overview.row import GROUPS, EnvironmentRow
from environments.presentation.pace import Paces
from statechart.errors import NotFound, StorageError

if TYPE_CHECKING:
    from environments.overview.row import Spell
    from environments.workspace import Workspace

_PATIENCE: Final = 5.0
"""Seconds between two questions whether a step has come to count as stuck, which changes no file."""


class EnvironmentSource:
    """The environments of a workspace as rows. See `statechart.overview.Source`.

    Args:
        workspace: The environments.
        spell: Spells a next command, in which `NAME` stands for the environment, for an environment.
    """

    def __init__(self, workspace: Workspace, spell: Spell) -> None:
        self.workspace = workspace
        self.spell = spell
        self._changes = workspace.changed()
        self._paces = Paces(workspace)
        self._due: dict[str, datetime] = {}  # when the step under way of a name counts as stuck

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups in their order."""
        return GROUPS

    @property
    def watching(self) -> str:
        """How changes are noticed: `inotify`, or the reason for looking at intervals."""
        return self._changes.watching

    def rows(self) -> Iterator[EnvironmentRow]:
        """Read the rows of all environments. Those that can't be read have a row that says so.

        Raises:
            StorageError: The environments can't be listed.
        """
        for summary in self.workspace.summaries():
            if (row := self._row(summary)) is not None:
                yield row

    def row(self, name: str) -> EnvironmentRow | None:
        """Read the row of an environment, or return None if there is none of this name."""
        try:
            summary = self.workspace.summary(name)
        except (NotFound, InvalidName):
            self._forget(name)
            return None
        except StorageError as error:
            summary = UnreadableSummary(name, error)
        return self._row(summary)

    async def changes(self, *, every: float | None = None) -> AsyncGenerator[frozenset[str], None]:
        """Yield the names that may have changed; at first, all. Purged names are yielded too.

        A name whose step under way has come to count as stuck is yielded as well. With `every`, an empty
        set is yielded after so many seconds without a change.
        """
        async with aclosing(self._changes.names(every=_PATIENCE if every is None else every)) as changes:
            is_first = True
            async for names in changes:
                found = names | self._stuck()
                if found or is_first or every is not None:
                    yield found
                is_first = False

    def _stuck(self) -> frozenset[str]:
        """Return the names whose step has come to count as stuck, once."""
        now = datetime.now(UTC)
        found = frozenset(name for name, due in list(self._due.items()) if due <= now)
        for name in found:
            self._due.pop(name, None)
        return found

    def _row(self, summary: Summary | UnreadableSummary) -> EnvironmentRow | None:
        try:
            while not isinstance(summary, UnreadableSummary):
                self._due.pop(summary.name, None)
                if not _is_active(summary):
                    self._paces.forget(summary.name)
                    return EnvironmentRow.of(summary, held=False)
                if self.workspace.holder(summary.name) is not None:
                    return self._under_way(summary)
                # Record and lock are read one after the other. A command that ends in between would look
                # interrupted, so the record is read again: a command records its end before it lets go.
                before, summary = summary, self.workspace.summary(summary.name)
                if not isinstance(summary, UnreadableSummary) and _are_same(before, summary):
                    return EnvironmentRow.of(summary, held=False)
        except NotFound:  # purged since its summary was read
            self._forget(summary.name)
            return None
        except StorageError as error:  # the document is whole, but the journal is damaged
            summary = UnreadableSummary(summary.name, error)
        return EnvironmentRow.unreadable(summary)

    def _forget(self, name: str) -> None:
        """Forget all about a name that is gone."""
        self._due.pop(name, None)
        self._paces.forget(name)

    def _under_way(self, summary: Summary) -> EnvironmentRow:
        """Return the row of an environment that a process works on."""
        try:
            environment = self.workspace.load(summary.name)
        except UnknownProvider:
            return EnvironmentRow.of(summary, held=True)
        now = datetime.now(UTC)
        pace = self._paces.of(environment, now, held=True)
        if pace is not None and pace.stuck is None and pace.stuck_after is not None:
            self._due[summary.name] = now + pace.stuck_after - pace.step_elapsed
        present = Summary.of(environment, summary.actor, summary.last_look)
        return EnvironmentRow.of(present, held=True, stuck=pace.stuck if pace is not None else None)


def _is_active(summary: Summary) -> bool:
    operation = summary.stored_operation
    return operation is not None and operation.is_active


def _are_same(one: Summary, other: Summary) -> bool:
    return (one.lineage, one.revision, one.plain_operation) == (
        other.lineage,
        other.revision,
        other.plain_operation,
    )
