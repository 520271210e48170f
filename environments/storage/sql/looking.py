"""Select the summaries of all environments of a database, by a single statement."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from environments.storage.sql.tables import LOOKS
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
"""Selects all that a summary is made of; `plain` has the same in SQL."""
