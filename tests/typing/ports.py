"""The shipped classes fit the ports, and incomplete classes do not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from environments import (
    AnyEnvironment,
    Clock,
    CommandName,
    EnvironmentRepository,
    FileRepository,
    LocalProvider,
    MemoryRepository,
    Provider,
    ProvisionCommand,
    Step,
    Workspace,
)
from environments.testing import FixedClock, ScriptedProvider


class Halved:
    """A class with only the steps of a provider."""

    def steps(self, _command: CommandName, _environment: AnyEnvironment) -> Sequence[Step]:
        return []


def wants_repository(repository: EnvironmentRepository) -> None: ...
def wants_provider(provider: Provider) -> None: ...
def wants_clock(clock: Clock) -> None: ...


def adapters(local: LocalProvider, scripted: ScriptedProvider, clock: FixedClock) -> None:
    wants_repository(FileRepository("data"))
    wants_repository(MemoryRepository())
    wants_provider(local)
    wants_provider(scripted)
    wants_clock(clock)
    wants_repository(Path("data"))  # reject: arg-type
    wants_provider(Halved())  # reject: arg-type
    wants_clock(scripted)  # reject: arg-type


def wiring(repository: EnvironmentRepository, scripted: ScriptedProvider, clock: FixedClock) -> None:
    ProvisionCommand(repository, scripted, clock=clock)
    ProvisionCommand(repository, Halved())  # reject: arg-type
    ProvisionCommand("data")  # reject: arg-type
    Workspace("data", repository=repository, clock=clock)
    Workspace("data", clok=clock)  # reject: call-arg
