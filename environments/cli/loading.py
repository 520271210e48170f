"""Loading: the imports that depend on the subcommand and its options, and the objects they give."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

import environments
from environments.cli.settings import DATA_DIR_VARIABLE, STORE_VARIABLE
from environments.presentation.view import View
from environments.storage.actor import last_actor
from environments.storage.last_look import read_last_look
from statechart.storage.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

    from environments.cli.settings import Settings
    from environments.execution.progress import Observer
    from environments.execution.stop import StopRequest
    from environments.presentation.view import Shown
    from environments.storage.stored import StoredRepository
    from environments.workspace import Workspace

ShownT = TypeVar("ShownT", bound="Shown")


def layout(settings: Settings) -> Layout | None:
    """Return the paths below the data directory, or None if environments are in a database."""
    return None if settings.store is not None else Layout(settings.data_dir.absolute())


def fast_layout(settings: Settings) -> Layout | None:
    """Return the paths below the data directory if they may be read without a repository, or None."""
    return layout(settings) if is_quiet(settings) else None


def view(settings: Settings, environment: ShownT) -> View[ShownT]:
    """Return the view of an environment that no process changes, with what lies beside its record."""
    files = layout(settings)
    if files is None:
        beside = storage(settings).summary(environment.name)
        actor, look = getattr(beside, "actor", None), getattr(beside, "last_look", None)
        return View(environment, actor=actor, last_look=look)
    directory = files.directory(environment.name)
    return View(
        environment,
        actor=last_actor(directory.parent, environment.name),
        last_look=read_last_look(directory, environment),
    )


def directory(settings: Settings, name: str) -> Path:
    """Return the directory with the files of an environment.

    Raises:
        StorageError: The environment is in a database, and not there.
    """
    files = layout(settings)
    return storage(settings).directory(name) if files is None else files.directory(name)


def is_quiet(settings: Settings) -> bool:
    """Return whether no log is asked for, so that reading needs no logging."""
    return settings.verbosity == 0 and settings.log_file is None


def storage(settings: Settings) -> StoredRepository:
    """Return the repository, for reading."""
    _set_up_logs(settings)
    # The fast path of reading imports this module, and needs no pydantic.
    if (url := settings.store) is not None:
        urls = import_module("statechart.storage.sql.urls")
        database = urls.load_for(url, "environments.storage.sql.repository")
        opened: StoredRepository = database.SqlRepository(url, actor=settings.actor)
        return opened
    from environments.storage.file import FileRepository

    return FileRepository(
        settings.data_dir,
        allow_network_filesystem=settings.allow_network_filesystem,
        actor=settings.actor,
    )


def workspace(
    settings: Settings, observers: tuple[Observer, ...] = (), stop: StopRequest | None = None
) -> Workspace:
    """Return the workspace, for changing environments."""
    # Loaded on this first use: subcommands that only read import this module too. Before the logs are
    # set up, which depends on what is loaded.
    opened = environments.Workspace
    _set_up_logs(settings)
    url = settings.store
    return opened(
        settings.data_dir if url is None else url,
        observers=with_notifier(settings, observers),
        lock_timeout=settings.lock_timeout,
        stop=stop,
        allow_network_filesystem=settings.allow_network_filesystem,
        actor=settings.actor,
    )


def with_notifier(settings: Settings, observers: tuple[Observer, ...]) -> tuple[Observer, ...]:
    """Return observers, with that which runs the command of the workspace file at each transition."""
    file, url = settings.workspace, settings.store
    if file.on_transition is not None:
        # The command may call envchart, from another directory than this process.
        there = (
            {DATA_DIR_VARIABLE: str(settings.data_dir.absolute())} if url is None else {STORE_VARIABLE: url}
        )
        others = {
            each: "" for each in (DATA_DIR_VARIABLE, STORE_VARIABLE) if settings.environment.get(each)
        }
        notifier = environments.OnTransition(
            file.on_transition,
            directory=file.directory,
            timeout=file.on_transition_timeout,
            variables={**others, **there},
        )
        observers = (*observers, notifier)
    return observers


def _set_up_logs(settings: Settings) -> None:
    if settings.verbosity or settings.log_file is not None or "loguru" in sys.modules:
        # Without these options, reading logs nothing and needs no loguru.
        from environments.cli.terminal.log_setup import configure

        configure(settings)
