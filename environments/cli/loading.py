"""Loading: the imports that depend on the subcommand and its options, and the objects they give."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TypeVar

import environments
from environments.cli.settings import DATA_DIR_VARIABLE
from environments.presentation.view import View
from environments.storage.actor import last_actor
from environments.storage.last_look import read_last_look
from statechart.storage.layout import Layout

if TYPE_CHECKING:
    from environments.cli.settings import Settings
    from environments.execution.progress import Observer
    from environments.execution.stop import StopRequest
    from environments.presentation.view import Shown
    from environments.storage.file import FileRepository
    from environments.workspace import Workspace

ShownT = TypeVar("ShownT", bound="Shown")


def layout(settings: Settings) -> Layout:
    """Return the paths below the data directory."""
    return Layout(settings.data_dir.absolute())


def view(settings: Settings, environment: ShownT) -> View[ShownT]:
    """Return the view of an environment that no process changes, with what lies beside its record."""
    directory = layout(settings).directory(environment.name)
    return View(
        environment,
        actor=last_actor(directory.parent, environment.name),
        last_look=read_last_look(directory, environment),
    )


def is_quiet(settings: Settings) -> bool:
    """Return whether no log is asked for, so that reading needs no logging."""
    return settings.verbosity == 0 and settings.log_file is None


def storage(settings: Settings) -> FileRepository:
    """Return the repository, for reading."""
    # The fast path of reading imports this module, and needs no pydantic.
    from environments.storage.file import FileRepository

    _set_up_logs(settings)
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
    file = settings.workspace
    if file.on_transition is not None:
        notifier = environments.OnTransition(
            file.on_transition,
            directory=file.directory,
            timeout=file.on_transition_timeout,
            # The command may call envchart, from another directory than this process.
            variables={DATA_DIR_VARIABLE: str(settings.data_dir.absolute())},
        )
        observers = (*observers, notifier)
    return opened(
        settings.data_dir,
        observers=observers,
        lock_timeout=settings.lock_timeout,
        stop=stop,
        allow_network_filesystem=settings.allow_network_filesystem,
        actor=settings.actor,
    )


def _set_up_logs(settings: Settings) -> None:
    if settings.verbosity or settings.log_file is not None or "loguru" in sys.modules:
        # Without these options, reading logs nothing and needs no loguru.
        from environments.cli.terminal.log_setup import configure

        configure(settings)
