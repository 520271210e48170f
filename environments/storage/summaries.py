"""Summaries of all environments in a data directory, without pydantic in the common case."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from environments.model.errors import InvalidName, UnknownProvider, UnreadableSummary, misnamed
from environments.model.fields.last_look import last_look
from environments.model.stored import SCHEMA_VERSION, StoredEnvironment
from environments.storage.actor import USUAL, actor_in, last_actor
from environments.storage.last_look import LAST_LOOK, read_last_look
from statechart.errors import NotOurs, StorageError
from statechart.storage.chain import RESERVED
from statechart.storage.forms import read_form, read_json

if TYPE_CHECKING:
    from environments.model.summary import Summary
    from statechart.storage.layout import Layout

LineT = TypeVar("LineT", "Summary", StoredEnvironment)


def summaries(
    layout: Layout, read: Callable[[bytes, int], LineT | None], load: Callable[[str], LineT]
) -> Iterator[LineT | UnreadableSummary]:
    """Yield a summary of each environment, sorted by name, from the documents that are current.

    Args:
        layout: Where the files are.
        read: Reads a document, given the size of the journal. Returns None if the document shows
            another record than the last, and raises ValueError if it is not whole.
        load: Verifies and reads the history of a name, where the document is not enough.
    """
    for name, document, size, end, beside in layout.contents(ending=USUAL, beside=LAST_LOOK):
        try:
            line = read(document, size)
        except ValueError:
            line = None
        if line is not None and line.name == name:
            look = last_look(beside, name, line.lineage, line.revision)
            if look is None and beside:  # there may be more of the file
                look = read_last_look(layout.directory(name), line)
            yield line.seen(actor_in(end) or last_actor(layout.root, name), look)
        elif (other := summary(layout, name, read, load)) is not None:
            yield other


def summary(
    layout: Layout, name: str, read: Callable[[bytes, int], LineT | None], load: Callable[[str], LineT]
) -> LineT | UnreadableSummary | None:
    """Return the summary of one environment, or None if there is none; see `summaries`."""
    try:
        document, behind = b"", True
        with suppress(NotOurs):  # loading says more: segments may be left
            document, behind = layout.listed(name, SCHEMA_VERSION)
        size = os.lstat(layout.journal(name)).st_size if not behind else -1
        line = _whole(read, document, size) or load(name)
    except InvalidName as error:
        return UnreadableSummary(name, misnamed(layout.directory(name), error))
    except (StorageError, UnknownProvider, OSError, ValueError) as error:
        # An environment that was purged since the directory was listed is no error.
        return UnreadableSummary(name, error) if os.path.lexists(layout.directory(name)) else None
    if line.name != name:
        problem = f"is a copy: the environment inside is {line.name!r}"
        return UnreadableSummary(name, NotOurs(layout.directory(name), problem))
    return line.seen(last_actor(layout.root, name), read_last_look(layout.directory(name), line))


def _whole(read: Callable[[bytes, int], LineT | None], document: bytes, size: int) -> LineT | None:
    try:
        return read(document, size)
    except ValueError:
        return None


def read_stored(document: bytes, journal_size: int) -> StoredEnvironment | None:
    """Read a document without msgspec, which loads slowly and pays only for hundreds of documents.

    Raises:
        ValueError: The document is not that of an environment.
    """
    found = read_json(document)
    if not isinstance(found, dict):
        raise ValueError  # noqa: TRY004  # the file is at fault, not the caller
    keys = [found.get(key) for key in ("schema_version", "seq", "journal_size")]
    if any(type(key) is not int or key < 0 for key in keys):  # 1.0 and True equal 1
        raise ValueError
    if (keys[0], keys[2]) != (SCHEMA_VERSION, journal_size):
        return None
    return read_form(StoredEnvironment, {key: found[key] for key in found if key not in RESERVED})
