"""Make a summary of the columns of a row, without pydantic or SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from environments.model.errors import UnknownProvider, UnreadableSummary
from environments.model.fields.last_look import last_look
from environments.model.stored import SCHEMA_VERSION
from environments.model.summary import Summary, read_value
from environments.storage.actor import actor_in
from statechart.errors import InvalidName, NotFound, StorageError


def summary_of(
    row: Iterable[Any], load: Callable[[str], Summary]
) -> Summary | UnreadableSummary | None:  # Any: the columns have types of their own
    """Return the summary of a row; None if the environment was purged meanwhile.

    Args:
        row: The columns of `SUMMARIES`, in order.
        load: Verifies and reads the history of a name, where the row is not enough.
    """
    name, lineage, value, version, beginning, look = row
    try:
        summary = _read(name, lineage, value, version) or load(name)
    except NotFound:
        return None
    except (StorageError, InvalidName, UnknownProvider) as error:
        return UnreadableSummary(name, error)
    line = bytes(beginning or b"").partition(b"\n")[0]
    found = last_look(look, name, summary.lineage, summary.revision) if look else None
    return summary.seen(actor_in(line + b"\n"), found)


def _read(name: str, lineage: str, value: str, version: int) -> Summary | None:
    if version != SCHEMA_VERSION:
        return None
    try:
        summary = read_value(value)
    except ValueError:
        return None
    return summary if (summary.name, summary.lineage) == (name, lineage) else None
