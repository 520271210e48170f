"""Summaries of all environments by a database's driver alone: SQLAlchemy takes longer to load than a list.

Only what is as usual is told. In every other case the repository reads, and says what is the matter.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn

from environments.storage.sql.driver import asking
from environments.storage.sql.summing import summary_of
from statechart.errors import StorageError
from statechart.storage.sql.urls import TCP, read_url, require_driver

if TYPE_CHECKING:
    from environments.model.errors import UnreadableSummary
    from environments.model.summary import Summary
    from statechart.storage.sql.urls import StoreUrl

# As in the modules of the schemas and of the statement, which import SQLAlchemy; a test compares them.
REVISIONS: Final = {"envchart_schema": "0002_since_0001", "envchart_environments_schema": "0001_since_0001"}
SUMMARIES: Final = (
    "SELECT envchart_name.name, envchart_name.lineage, envchart_name.value, envchart_name.schema_version,"
    " substr(envchart_record.line, 1, 1024) AS beginning, envchart_look.document FROM envchart_name"
    " LEFT OUTER JOIN envchart_record ON envchart_record.lineage = envchart_name.lineage"
    " AND envchart_record.seq = envchart_name.seq"
    " LEFT OUTER JOIN envchart_look ON envchart_look.lineage = envchart_name.lineage"
    " WHERE envchart_name.collection = {}"
)

# libpq and SQLAlchemy read options, several hosts, and hosts with a percent sign in ways of their own.
_READ_OTHERWISE: Final = re.compile("[?,]|%[^@]*$")


class _Unusual(Exception):  # it is no error of this program's, and goes no further
    """A row is not enough, or the tables are of another revision."""


def plain_summaries(url: str) -> list[Summary | UnreadableSummary] | None:
    """Return a summary of each environment, sorted by name; None if the repository has to read them.

    Raises:
        InvalidUrl: The URL can't be read.
        DriverMissing: The packages that reach the database are not installed.
    """
    place = read_url(url)
    require_driver(place)  # as the repository demands
    rows = _rows(place)
    try:
        found = [summary_of(row, _unusual) for row in sorted(rows, key=lambda row: str(row[0]))]
    except _Unusual:
        return None
    return [summary for summary in found if summary is not None] if rows else None


def _rows(place: StoreUrl) -> list[Any]:  # Any: tuples of columns
    """Return the rows of the summaries; none if there are none, or the tables are of another revision."""
    if not place.file and _READ_OTHERWISE.search(place.connect):
        return []
    with suppress(StorageError, ImportError), asking(place, patience=TCP["connect_timeout"]) as ask:
        for table, revision in REVISIONS.items():
            if ask(f"SELECT version_num FROM {table}") != [(revision,)]:
                return []
        return ask(SUMMARIES)
    return []


def _unusual(_name: str) -> NoReturn:
    raise _Unusual
