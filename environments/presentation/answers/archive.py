"""The part of a storage or a workspace that answers are read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from environments.presentation.view import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from environments.model.records import HistoryEntry
    from statechart.errors import UnusableSegment


class Archive(Reader, Protocol):
    """Reads environments and their histories. A workspace is one, and so is a repository of files."""

    def directory(self, name: str, /) -> Path:
        """Return the directory with the environment's files."""
        ...

    def history(self, name: str, /) -> list[HistoryEntry]:
        """Return all records, oldest first."""
        ...

    def latest(self, name: str, enough: Callable[[HistoryEntry], bool], /) -> Iterable[HistoryEntry]:
        """Return the latest records, back to a checkpoint that is enough, or all."""
        ...

    def readable(self, name: str, /) -> tuple[Iterator[HistoryEntry], UnusableSegment | None]:
        """Return the records that can be read, and the problem that keeps earlier ones from being read."""
        ...
