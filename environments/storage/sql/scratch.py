"""The directories of this machine for the environments of a database, one for each incarnation."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from environments.ports import TRACES
from environments.system.files import OwnPath, make_directories, remove_tree
from statechart.errors import StorageError
from statechart.storage.disk import create_file, translated

_SWEPT: Final = ".swept"
_PAUSE: Final = 3600.0
"""The seconds between two searches for directories whose environments are gone."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """The directories of the environments of one database on this machine.

    They are at `NAME.LINEAGE`: environments that were purged on another machine leave nothing to the next
    environments of their names. What all environments of this machine share, such as reserved ports, lies
    beside them.

    Attributes:
        root: The directory of the database, named after the identity of the database.
    """

    root: Path

    def make(self, name: str, lineage: str) -> Path:
        """Return the directory of an incarnation, made if it is missing, and private to this user.

        The directories of earlier incarnations of the name are removed.

        Raises:
            StorageError: The directory can't be made.
        """
        place = self._place(name, lineage)
        with translated("make", place):
            if not place.is_dir():
                make_directories(place)
                mine = [(each, found) for each, found in self.incarnations() if each == name]
                self.sweep(found for _, found in mine if found != lineage)
        return Path(place)

    def discard(self, lineage: str) -> None:
        """Remove the directory of an incarnation, as far as that is possible."""
        self.sweep((lineage,))

    def missing(self, name: str, lineage: str, traces: Collection[str]) -> set[str]:
        """Return the traces that are not in the directory of an incarnation."""
        there = Path(self._place(name, lineage)) / TRACES
        return {each for each in traces if not (there / each).exists()}

    def keep_traces(self, name: str, lineage: str, traces: Mapping[str, str]) -> None:
        """Copy traces into the directory of an incarnation, for people and pages to read.

        A copy that can't be written is left out: the trace is in the database.
        """
        with suppress(OSError, StorageError):
            place = self._place(name, lineage) / TRACES
            make_directories(place)
            for file, text in traces.items():
                with suppress(FileExistsError):  # another process has copied the same
                    create_file(place / file, text.encode("utf-8", "replace"))

    def is_due(self) -> bool:
        """Return whether it is time to look for directories whose environments are gone."""
        try:
            return (self.root / _SWEPT).stat().st_mtime < time.time() - _PAUSE
        except OSError:
            return self.root.is_dir()

    def looked(self) -> None:
        """Take note that the directories were looked at."""
        with suppress(OSError):
            (self.root / _SWEPT).touch(mode=0o600)

    def incarnations(self) -> Iterator[tuple[str, str]]:
        """Yield the name and the lineage of each directory."""
        try:
            with os.scandir(self.root) as found:
                entries = [entry.name for entry in found if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return
        for each in entries:
            name, dot, lineage = each.rpartition(".")
            if name and dot:
                yield name, lineage

    def sweep(self, gone: Iterable[str]) -> None:
        """Remove the directories of incarnations, as far as that is possible."""
        lineages = set(gone)
        for name, lineage in self.incarnations() if lineages else ():
            if lineage in lineages:
                with suppress(OSError, StorageError):
                    remove_tree(self._place(name, lineage))

    def _place(self, name: str, lineage: str) -> OwnPath:
        return OwnPath(self.root, (f"{name}.{lineage}",))
