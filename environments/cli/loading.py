"""Opening: where the command line loads what it works with, and no sooner.

Python's model of a command line is that everything is imported before anything is known. Here
`--help` and the listing of an empty directory load nothing but typer, reading loads no engine, and
only what changes an environment loads all: so these imports stand inside functions, all in this file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from statechart.storage.layout import Layout

if TYPE_CHECKING:
    from environments.cli.settings import Settings
    from environments.execution.progress import Observer
    from environments.execution.stop import StopRequest
    from environments.storage.file import FileRepository
    from environments.workspace import Workspace


def names(settings: Settings) -> list[str]:
    """Return what looks like an environment in the data directory, sorted; nothing is loaded.

    Raises:
        OSError: The data directory can't be read; FileNotFoundError when it is not there.
    """
    with os.scandir(settings.data_dir) as entries:
        return sorted(entry.name for entry in entries if not entry.name.startswith("."))


def layout(settings: Settings) -> Layout:
    """Return the paths below the data directory."""
    return Layout(settings.data_dir.absolute())


def is_quiet(settings: Settings) -> bool:
    """Return whether no log is asked for, so that reading needs no logging."""
    return settings.verbosity == 0 and settings.log_file is None


def storage(settings: Settings) -> FileRepository:
    """Return the storage, for reading; no engine is loaded."""
    from environments.cli.terminal.log_setup import configure
    from environments.storage.file import FileRepository

    configure(settings)
    return FileRepository(settings.data_dir, allow_network_filesystem=settings.allow_network_filesystem)


def workspace(
    settings: Settings, observers: tuple[Observer, ...] = (), stop: StopRequest | None = None
) -> Workspace:
    """Return the workspace, for changing: this loads everything."""
    from environments.cli.terminal.log_setup import configure
    from environments.workspace import Workspace

    configure(settings)
    return Workspace(
        settings.data_dir,
        observers=observers,
        lock_timeout=settings.lock_timeout,
        stop=stop,
        allow_network_filesystem=settings.allow_network_filesystem,
    )
