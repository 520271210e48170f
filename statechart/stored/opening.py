"""Open the store at a location: files in a directory, or a database."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from statechart.following.names import NameChanges
from statechart.storage.layout import Layout
from statechart.storage.repository import JsonFileRepository
from statechart.storage.sql.urls import is_url, load_for
from statechart.stored.files.endings import FileEnds
from statechart.stored.files.outbox import FileOutbox
from statechart.stored.store import Opened, Options

if TYPE_CHECKING:
    from statechart.storage.session import ModelT


def opened(location: str | Path, model: type[ModelT], options: Options) -> Opened[ModelT]:
    """Return the store at a location.

    Raises:
        ValueError: The location is empty, or a URL that can't be read.
        DriverMissing: The packages for a database are not installed.
    """
    if location == "":
        raise ValueError("the location is empty: give the path of a directory, or the URL of a database")
    if isinstance(location, str) and is_url(location):
        # SQLAlchemy takes longer to load than most commands run.
        found: Opened[ModelT] = load_for(location, "statechart.stored.sql.opening").opened(
            location, model, options
        )
        return found
    files = JsonFileRepository(
        location,
        model,
        schema_version=options.schema_version,
        migrations=options.migrations,
        allow_network_filesystem=options.allow_network_filesystem,
        actor=options.actor,
        chart=options.chart,
        segment=options.segment,
    )
    outbox = FileOutbox(Layout(files.root), files.schema_version)
    return Opened(files, FileEnds(files), outbox, partial(NameChanges, files.root))
