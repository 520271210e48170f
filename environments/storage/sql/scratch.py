"""The directories of this machine for the environments of a database, one for each incarnation."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping
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

    They are at `IDENTITY/NAME/LINEAGE`: environments that were purged on another machine leave nothing to
    the next environments of their names.

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
        place = OwnPath(self.root, (name, lineage))
        with translated("make", place):
            if not place.is_dir():
                make_directories(place)
                self._keep_only(name, lineage)
        return self.root / name / lineage

    def discard(self, name: str) -> None:
        """Remove the directories of all incarnations of a name, as far as that is possible."""
        with suppress(OSError, StorageError):
            remove_tree(OwnPath(self.root, (name,)))

    def missing(self, name: str, lineage: str, traces: Collection[str]) -> set[str]:
        """Return the traces that are not in the directory of an incarnation."""
        there = self.root / name / lineage / TRACES
        return {each for each in traces if not (there / each).exists()}

    def keep_traces(self, name: str, lineage: str, traces: Mapping[str, str]) -> None:
        """Copy traces into the directory of an incarnation, for people and pages to read.

        A copy that can't be written is left out: the trace is in the database.
        """
        with suppress(OSError, StorageError):
            place = OwnPath(self.root, (name, lineage, TRACES))
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

    def lineages(self) -> dict[str, list[str]]:
        """Return the names with a directory, each with its incarnations; from now on, that is not due."""
        with suppress(OSError):
            (self.root / _SWEPT).touch(mode=0o600)
        return {name: list(_directories(self.root / name)) for name in _directories(self.root)}

    def sweep(self, gone: Mapping[str, Collection[str]]) -> None:
        """Remove the directories of incarnations that are gone, given by name."""
        for name, lineages in gone.items():
            for lineage in lineages:
                with suppress(OSError, StorageError):
                    remove_tree(OwnPath(self.root, (name, lineage)))
            with suppress(OSError):
                (self.root / name).rmdir()  # unless another incarnation has files there

    def _keep_only(self, name: str, lineage: str) -> None:
        earlier = [each for each in _directories(self.root / name) if each != lineage]
        self.sweep({name: earlier})


def _directories(place: Path) -> Iterator[str]:
    try:
        with os.scandir(place) as found:
            entries = [entry.name for entry in found if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    yield from (name for name in entries if not name.startswith("."))
