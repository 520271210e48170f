"""Names without an effect that is due, remembered so that their journals are not read again."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TypeAlias

from pydantic_core import from_json, to_json

from statechart.errors import StorageError
from statechart.storage.disk import private_directory, read_file, replace_file
from statechart.storage.layout import Layout

Stamp: TypeAlias = list[int]
"""The inode, the size and the time of a journal, which any record after it changes."""

_LIST = "settled.json"


class Settled:
    """The names whose journals named no effect that is due when they were last read.

    The list only saves time. An entry counts as long as its journal is unchanged, and a list that is
    missing, torn or of another store is empty.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._path = layout.own(layout.effects) / _LIST
        self._known = self._read()
        self._new: dict[str, Stamp] = {}

    def _read(self) -> dict[str, object]:
        try:
            found = from_json(read_file(self._path) or b"")
        except (StorageError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def stamp(self, name: str) -> Stamp | None:
        """Return the stamp of a journal, or None if there is none; take it before reading the journal."""
        try:
            found = os.stat(self._layout.journal(name), follow_symlinks=False)
        except OSError:
            return None
        return [found.st_ino, found.st_size, found.st_mtime_ns]

    def holds(self, name: str, stamp: Stamp | None) -> bool:
        """Return whether nothing is due for a name whose journal has this stamp."""
        if stamp is None or self._known.get(name) != stamp:
            return False
        self._new[name] = stamp
        return True

    def add(self, name: str, stamp: Stamp | None) -> None:
        """Remember that nothing is due for a name."""
        if stamp is not None:
            self._new[name] = stamp

    def save(self, *, whole: bool) -> None:
        """Write the list for later calls, if it changed and can be written.

        `whole` tells that all names were asked about, so that others are forgotten.
        """
        known = self._new if whole else {**self._known, **self._new}
        if known == self._known:
            return
        # Two that write at once may leave a torn list, which is taken for an empty one.
        with suppress(OSError, StorageError):
            private_directory(self._path.parent)
            replace_file(self._path, to_json(known), durable=False)
