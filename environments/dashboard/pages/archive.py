"""The records of an environment, read once for all that a page tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from statechart.errors import NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from environments.model.environment import AnyEnvironment
    from environments.model.errors import UnreadableSummary
    from environments.model.records import HistoryEntry
    from environments.model.summary import Summary
    from environments.workspace import Workspace
    from statechart.errors import UnusableSegment
    from statechart.holder import Holder


class PageArchive:
    """A workspace for the page of an environment. See `environments.presentation.answers.Archive`.

    A history whose beginning can't be read is as long as its readable part.

    Attributes:
        entries: The records that can be read, oldest first.

    Raises:
        StorageError: No record can be read, or there is no such environment.
    """

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        entries, self._damage = workspace.readable(name)
        self.entries: list[HistoryEntry] = list(entries)
        if not self.entries:
            raise self._damage or NotFound(name, workspace.where)

    def history(self, name: str) -> list[HistoryEntry]:  # noqa: ARG002  # it has one
        """Return the records."""
        return self.entries

    def latest(
        self,
        name: str,  # noqa: ARG002
        enough: Callable[[HistoryEntry], bool],  # noqa: ARG002 - all are there
    ) -> Iterable[HistoryEntry]:
        """Return the records."""
        return self.entries

    def readable(
        self,
        name: str,  # noqa: ARG002
    ) -> tuple[Iterator[HistoryEntry], UnusableSegment | None]:
        """Return the records, and the problem that keeps earlier ones from being read."""
        return iter(self.entries), self._damage

    def load(self, name: str) -> AnyEnvironment:
        """Return the environment as recorded."""
        return self._workspace.load(name)

    def summary(self, name: str) -> Summary | UnreadableSummary:
        """Return the summary of the environment."""
        return self._workspace.summary(name)

    def holder(self, name: str) -> Holder | None:
        """Return the process that is changing the environment now, or None."""
        return self._workspace.holder(name)

    def directory(self, name: str) -> Path:
        """Return the directory with the environment's files."""
        return self._workspace.directory(name)
