"""Summaries of all environments of a database, by a single statement and without pydantic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa

from environments.model.errors import UnknownProvider, UnreadableSummary
from environments.model.fields.last_look import last_look
from environments.model.stored import SCHEMA_VERSION
from environments.model.summary import Summary, read_value
from environments.storage.actor import actor_in
from environments.storage.sql.tables import LOOKS
from statechart.errors import InvalidName, NotFound, StorageError
from statechart.storage.sql.tables import NAMES, RECORDS

_BEGINNING: Final = 1024
"""How many bytes of a record hold the name of its author, at its beginning."""

_LAST: Final = sa.and_(RECORDS.c.lineage == NAMES.c.lineage, RECORDS.c.seq == NAMES.c.seq)

SUMMARIES: Final = (
    sa.select(
        NAMES.c.name,
        NAMES.c.lineage,
        NAMES.c.value,
        NAMES.c.schema_version,
        sa.func.substr(RECORDS.c.line, 1, _BEGINNING, type_=sa.LargeBinary).label("beginning"),
        LOOKS.c.document,
    )
    .select_from(NAMES)
    .outerjoin(RECORDS, _LAST)
    .outerjoin(LOOKS, LOOKS.c.lineage == NAMES.c.lineage)
)
"""Selects all that a summary is made of."""


def summary_of(
    row: sa.Row[Any], load: Callable[[str], Summary]
) -> Summary | UnreadableSummary | None:  # Any: of SUMMARIES
    """Return the summary of a row; None if the environment was purged meanwhile.

    Args:
        row: A row of `SUMMARIES`.
        load: Verifies and reads the history of a name, where the row is not enough.
    """
    name, lineage, value, version, beginning, look = tuple(row)
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
