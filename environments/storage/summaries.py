"""Summaries of all environments in a data directory, without pydantic in the common case."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from environments.model.summary import Summary, UnreadableSummary, read_summary
from statechart.errors import NotOurs, StorageError
from statechart.storage.layout import Layout


def summaries(
    layout: Layout, known: int, load: Callable[[str], Summary]
) -> Iterator[Summary | UnreadableSummary]:
    """Yield a summary of each environment, sorted by name, from the documents where these are current.

    Args:
        layout: The layout of the data directory.
        known: The schema version of readable documents.
        load: Verifies the history of a name whose document is outdated or incomplete.
    """
    for name, document, behind in layout.documents(known):
        try:
            summary = read_summary(document) if not behind and isinstance(document, bytes) else None
            if summary is not None and summary.plain_operation is not None:
                _ = summary.stored_operation  # raises ValueError if it is not whole
        except ValueError:
            summary = None
        if summary is not None and summary.name == name:
            yield summary
        else:
            yield _loaded(layout, name, document, summary, load)


def _loaded(
    layout: Layout,
    name: str,
    document: bytes | StorageError,
    summary: Summary | None,
    load: Callable[[str], Summary],
) -> Summary | UnreadableSummary:
    if isinstance(document, StorageError):
        return UnreadableSummary(name, document)
    try:
        summary = summary or load(name)
    except (StorageError, ValueError) as error:
        return UnreadableSummary(name, error)
    if summary.name != name:
        problem = f"is a copy: the environment inside is {summary.name!r}"
        return UnreadableSummary(name, NotOurs(layout.directory(name), problem))
    return summary
