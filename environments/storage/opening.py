"""Open the repository at a place: a directory, or the URL of a database."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from environments.storage.file import FileRepository

if TYPE_CHECKING:
    from environments.model.provider_kinds import ProviderSpec
    from environments.storage.stored import StoredRepository


def opened(
    place: str | Path,
    *,
    allow_network_filesystem: bool = False,
    providers: Iterable[type[ProviderSpec]] = (),
    actor: str | None = None,
) -> StoredRepository:
    """Return the repository at a place; the options are those of `Workspace`.

    Raises:
        InvalidUrl: The URL can't be read.
        DriverMissing: The packages that reach the database are not installed.
    """
    if isinstance(place, str) and (urls := import_module("statechart.storage.sql.urls")).is_url(place):
        # Its packages are an extra, and take long to load.
        database = urls.load_for(place, "environments.storage.sql.repository")
        repository: StoredRepository = database.SqlRepository(place, providers=providers, actor=actor)
        return repository
    return FileRepository(
        place,
        allow_network_filesystem=allow_network_filesystem,
        providers=providers,
        actor=actor,
    )
