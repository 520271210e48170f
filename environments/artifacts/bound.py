"""Environments that are on the machine which made them, whichever machine reads their record."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from environments.errors import OnAnotherMachine
from environments.model.records import StepRecord
from environments.model.states import Created, Destroyed
from environments.ports import BoundToMachine, KeepsFiles, latest_of

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.records import HistoryEntry
    from environments.ports import EnvironmentRepository, Provider


def require_here(
    repository: EnvironmentRepository, environment: AnyEnvironment, provider: Provider
) -> None:
    """Check that an environment's resources, if they are bound to a machine, are not on another machine.

    Raises:
        OnAnotherMachine: They are, as far as the record and this machine's files tell.
    """
    # Files are where their environments are.
    if isinstance(repository, KeepsFiles) or not isinstance(provider, BoundToMachine):
        return
    if environment.operation is None and isinstance(environment.state, Created | Destroyed):
        return
    if provider.is_here(environment, repository.directory(environment.name)):
        return
    host = _last_host(repository, environment)
    if host is not None and host != socket.gethostname():
        raise OnAnotherMachine(environment.name, environment.spec.provider.kind, host)


def _last_host(repository: EnvironmentRepository, environment: AnyEnvironment) -> str | None:
    """Return the machine that ran the last command on an environment, or None if no command did."""
    if environment.operation is not None:
        return environment.operation.holder.host
    host: str | None = None
    for entry in latest_of(repository, environment.name, _names_host):
        host = _host(entry) or host
    return host


def _names_host(opening: HistoryEntry) -> bool:
    return _host(opening) is not None


def _host(entry: HistoryEntry) -> str | None:
    record = entry.record
    if isinstance(record, StepRecord):
        return None
    operation = record.environment.operation
    return None if operation is None else operation.holder.host
