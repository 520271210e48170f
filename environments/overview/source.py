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
from environments.presentation.view import look
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
        if isinstance(summary, UnreadableSummary):
            return EnvironmentRow.unreadable(summary)
        operation = summary.stored_operation
        self._due.pop(summary.name, None)
        if operation is None or not operation.is_active:
            return EnvironmentRow.of(summary, held=False)
        try:
            return self._under_way(summary)
        except NotFound:  # purged since its summary was read
            return None
        except StorageError as error:  # the document is whole, but the journal is damaged
            return EnvironmentRow.unreadable(UnreadableSummary(summary.name, error))

    def _under_way(self, summary: Summary) -> EnvironmentRow:
        """Return the row of an environment during a command, or after one that was interrupted."""
        try:
            view = look(self.workspace, summary.name)
        except UnknownProvider:
            return EnvironmentRow.of(summary, held=self.workspace.holder(summary.name) is not None)
        # The step under way is in the journal only, and the command may have ended meanwhile.
        present, held = Summary.of(view.environment, view.actor, view.last_look), view.holder is not None
        now = datetime.now(UTC)
        pace = self._paces.of(view.environment, now, held=held)
        if pace is not None and pace.stuck is None and pace.stuck_after is not None:
            self._due[summary.name] = now + pace.stuck_after - pace.step_elapsed
        return EnvironmentRow.of(present, held=held, stuck=pace.stuck if pace is not None else None)
