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
    layout: Layout, read: Callable[[bytes], LineT], load: Callable[[str], LineT]
) -> Iterator[LineT | UnreadableSummary]:
    """Yield a line for each environment, by name, from the documents where these are up to date.

    Args:
        layout: Where the files are.
        read: Reads a document, or raises ValueError.
        load: Verifies the history of a name, where its document is not up to date or not whole.
    """
    for name, document, behind in layout.documents(SCHEMA_VERSION):
        try:
            line = read(document) if not behind and isinstance(document, bytes) else None
        except ValueError:
            line = None
        if line is not None and line.name == name:
            yield line
        else:
            yield _loaded(layout, name, document if isinstance(document, StorageError) else line, load)


def _loaded(
    layout: Layout, name: str, found: LineT | StorageError | None, load: Callable[[str], LineT]
) -> LineT | UnreadableSummary:
    if isinstance(found, StorageError):
        return UnreadableSummary(name, found)
    try:
        line = found or load(name)
    except (StorageError, ValueError) as error:
        return UnreadableSummary(name, error)
    if line.name != name:
        problem = f"is a copy: the environment inside is {line.name!r}"
        return UnreadableSummary(name, NotOurs(layout.directory(name), problem))
    return line


def read_stored(document: bytes) -> StoredEnvironment:
    """Read a document without msgspec, which takes longer to load than some hundred take to read.

    Raises:
        ValueError: The document is not that of an environment.
    """
    found = read_json(document)
    return read_form(StoredEnvironment, {key: found[key] for key in found if key not in RESERVED})
