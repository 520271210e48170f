"""What lies beside the history of an environment, as it moves from store to store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from environments.ports import TRACES
from environments.storage.last_look import LAST_LOOK
from statechart.storage.disk import (
    OwnPath,
    create_file,
    entries,
    make_directory,
    read_file,
    remove_tree,
    sync_directory,
    translated,
)

if TYPE_CHECKING:
    from statechart.storage.moving.files import FileHarbour


@dataclass(frozen=True, slots=True)
class Belongings:
    """What lies beside a history.

    Attributes:
        traces: The traces of failures, by name.
        look: The last look at the world, as `drift.json` has it.
        state: The provider's own state, as `carry_state` takes it.
        unpack: Writes that state to a directory.
    """

    traces: Mapping[str, str] = field(default_factory=dict)
    look: bytes | None = None
    state: bytes | None = None
    unpack: Callable[[Path, bytes], None] | None = None


class KeepsBelongings(Protocol):
    """A store of environments, as their belongings leave and reach it."""

    def traces(self, name: str, lineage: str, /) -> dict[str, str]:
        """Return the traces of an environment, by name."""
        ...

    def look(self, name: str, lineage: str, /) -> bytes | None:
        """Return the last look at an environment, or None."""
        ...

    def store(self, name: str, lineage: str, belongings: Belongings, /) -> None:
        """Store the belongings of an environment that has not arrived yet, in place of earlier ones."""
        ...


class FileBelongings:
    """The belongings of environments in a data directory.

    Args:
        harbour: The data directory.
    """

    def __init__(self, harbour: FileHarbour) -> None:
        self._harbour = harbour

    def traces(self, name: str, _lineage: str) -> dict[str, str]:
        """Return the traces of an environment, by name."""
        found: dict[str, str] = {}
        for path in entries(self._directory(name) / TRACES):
            content = read_file(path)
            if content is not None:
                found[path.name] = content.decode(errors="replace")
        return found

    def look(self, name: str, _lineage: str) -> bytes | None:
        """Return the last look at an environment, or None."""
        return read_file(self._directory(name) / LAST_LOOK)

    def store(self, name: str, lineage: str, belongings: Belongings) -> None:
        """Write the files of an environment that has not arrived yet."""
        place = self._harbour.arriving(name, lineage)
        with translated("write", place):
            if belongings.traces:
                remove_tree(place / TRACES)
                make_directory(place / TRACES)
                for file, text in belongings.traces.items():
                    create_file(place / TRACES / file, text.encode(errors="replace"), sync=True)
                sync_directory(place / TRACES)
            if belongings.look is not None:
                remove_tree(place / LAST_LOOK)
                create_file(place / LAST_LOOK, belongings.look)
            if belongings.state is not None and belongings.unpack is not None:
                belongings.unpack(Path(place), belongings.state)
            sync_directory(place)

    def _directory(self, name: str) -> OwnPath:
        layout = self._harbour.layout
        return layout.own(layout.directory(name))
