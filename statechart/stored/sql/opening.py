"""Open the store of a chart's values in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statechart.storage.sql.reading import Names
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.storage.sql.schema import ENGINE
from statechart.storage.sql.tables import EFFECTS
from statechart.stored.sql.ends import RowEnds
from statechart.stored.sql.outbox import RowOutbox
from statechart.stored.store import Opened

if TYPE_CHECKING:
    from statechart.storage.values.codec import ModelT
    from statechart.stored.store import Options


def opened(url: str, model: type[ModelT], options: Options) -> Opened[ModelT]:
    """Return the store of a URL.

    Raises:
        InvalidUrl: The URL can't be read, or names a database that is not supported.
        DriverMissing: The packages for it are not installed.
    """
    store = JsonSqlRepository(
        url,
        model,
        schema_version=options.schema_version,
        migrations=options.migrations,
        actor=options.actor,
        chart=options.chart,
        segment=options.segment,
        beside=(EFFECTS,),
    )
    names = Names(store.database, ENGINE, store.collection, store.where)
    known = store.schema_version
    return Opened(store, RowEnds(names, known), RowOutbox(names, known), store.changed)
