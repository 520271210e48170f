"""All environments of a data directory, a line each, without pydantic in the common case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from environments.model.errors import UnreadableSummary
from environments.model.stored import SCHEMA_VERSION, StoredEnvironment
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
    """Yield a line for each environment, by name, from the documents where these are up to date.

    Args:
        layout: Where the files are.
        read: Reads a document beside a journal of some size; None if it shows another record.
            ValueError if the document is not whole.
        load: Verifies the history of a name, where its document is not up to date or not whole.
    """
    for name, document, size in layout.contents():
        try:
            line = read(document, size)
        except ValueError:
            line = None
        if line is not None and line.name == name:
            yield line
        elif (other := _other(layout, name, read, load)) is not None:
            yield other


def _other(
    layout: Layout, name: str, read: Callable[[bytes, int], LineT | None], load: Callable[[str], LineT]
) -> LineT | UnreadableSummary | None:
    """Return the line of an environment that is out of the ordinary; None if it was purged."""
    try:
        document, behind = layout.listed(name, SCHEMA_VERSION)
        size = layout.journal(name).stat().st_size if not behind else -1
        line = _whole(read, document, size) or load(name)
    except (StorageError, OSError, ValueError) as error:
        return UnreadableSummary(name, error) if layout.directory(name).exists() else None
    if line.name != name:
        problem = f"is a copy: the environment inside is {line.name!r}"
        return UnreadableSummary(name, NotOurs(layout.directory(name), problem))
    return line


def _whole(read: Callable[[bytes, int], LineT | None], document: bytes, size: int) -> LineT | None:
    try:
        return read(document, size)
    except ValueError:
        return None


def read_stored(document: bytes, journal_size: int) -> StoredEnvironment | None:
    """Read a document without msgspec, which takes longer to load than some hundred take to read.

    Raises:
        ValueError: The document is not that of an environment.
    """
    found = read_json(document)
    if not isinstance(found, dict):
        raise ValueError  # noqa: TRY004  # what is read is at fault, not the caller
    if (found.get("schema_version"), found.get("journal_size")) != (SCHEMA_VERSION, journal_size):
        return None
    return read_form(StoredEnvironment, {key: found[key] for key in found if key not in RESERVED})
