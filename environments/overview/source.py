"""The source of the rows: the environments of a workspace."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from environments.errors import InvalidName, UnknownProvider
from environments.model.summary import Summary, UnreadableSummary
from environments.overview.row import GROUPS, EnvironmentRow
from environments.presentation.view import look
from statechart.errors import NotFound, StorageError

if TYPE_CHECKING:
    from environments.overview.row import Spell
    from environments.workspace import Workspace


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

    async def changes(self) -> AsyncGenerator[frozenset[str], None]:
        """Yield the names that may have changed; at first, all. Purged names are yielded too."""
        async with aclosing(self._changes.names()) as changes:
            async for names in changes:
                yield names

    def _row(self, summary: Summary | UnreadableSummary) -> EnvironmentRow | None:
        if isinstance(summary, UnreadableSummary):
            return EnvironmentRow.unreadable(summary)
        held = False
        operation = summary.stored_operation
        if operation is not None and operation.is_active:
            try:
                summary, held = self._under_way(summary)
            except NotFound:  # purged since its summary was read
                return None
            except StorageError as error:  # the document is whole, but the journal is damaged
                return EnvironmentRow.unreadable(UnreadableSummary(summary.name, error))
        return EnvironmentRow.of(summary, held=held)

    def _under_way(self, summary: Summary) -> tuple[Summary, bool]:
        """Return an environment during a command, and whether a process works on it."""
        try:
            view = look(self.workspace, summary.name)
        except UnknownProvider:
            return summary, self.workspace.holder(summary.name) is not None
        # The step under way is in the journal only, and the command may have ended meanwhile.
        return Summary.of(view.environment, view.actor, view.last_look), view.holder is not None
