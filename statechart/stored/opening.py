"""Open the store at a location, with the parts that only repositories of charts ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic

from statechart.following.names import NameChanges
from statechart.storage.layout import Layout
from statechart.storage.repository import JsonFileRepository
from statechart.storage.segments.size import DEFAULT, Segment
from statechart.storage.session import ModelT
from statechart.stored.files.endings import FileEnds
from statechart.stored.files.outbox import FileOutbox

if TYPE_CHECKING:
    from statechart.following.changed import Changed
    from statechart.storage.session import ChecksStates, Migration
    from statechart.stored.outbox import Outbox
    from statechart.stored.store import Ends, Store


@dataclass(frozen=True, slots=True)
class Opened(Generic[ModelT]):
    """A store with its parts.

    Attributes:
        store: The values.
        ends: The ends of their histories.
        outbox: The effects that are due.
        changed: Returns the names that change.
    """

    store: Store[ModelT]
    ends: Ends
    outbox: Outbox
    changed: Callable[[], Changed]


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a store, as those of `ChartRepository`."""

    schema_version: int = 1
    migrations: Mapping[int, Migration] | None = None
    actor: str | None = None
    allow_network_filesystem: bool = False
    segment: Segment = DEFAULT
    chart: ChecksStates | None = None


def opened(location: str | Path, model: type[ModelT], options: Options) -> Opened[ModelT]:
    """Return the store at a location.

    Raises:
        ValueError: The location is not the path of a directory.
    """
    if "://" in str(location):
        raise ValueError(f"{location}: only directories are supported: give the path of one")
    if location == "":
        raise ValueError("the location is empty: give the path of a directory")
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
