"""Machines that share a store, each with a scratch directory of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import pytest

from environments.execution.lent.carrying import carrier_of
from environments.model.environment import AnyEnvironment
from environments.model.observation import Observation
from environments.model.steps import StepContext
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.tofu.carried.version import Version
from environments.storage.memory import MemoryRepository
from statechart.holder import Holder
from tests.providers.terraform.conftest import Bench, make_key

MODULE = """
resource "terraform_data" "one" {
  input = "one"
  provisioner "local-exec" { command = "echo one >>LOG" }
  provisioner "local-exec" {
    when    = destroy
    command = "echo ${self.input} gone >>LOG"
  }
}
output "instance_ip" { value = "127.0.0.1" }
"""


@dataclass
class Shared:
    """A store in memory, with the session that holds its environment.

    Attributes:
        environment: The environment, with the outputs that commands on all machines recorded.
        held: Whether the environment is held, as by a command.
    """

    sessions: ExitStack
    repository: MemoryRepository = field(default_factory=MemoryRepository)
    environment: AnyEnvironment | None = None
    held: bool = True

    def take(self) -> None:
        """Hold the environment anew; who held it before has lost it."""
        self.sessions.close()
        session = self.repository.open("web", Holder.current("test"))
        self.sessions.enter_context(session)
        self.session = session

    def version(self) -> Version:
        """Return the last version of the state in the record."""
        state = self.repository.carried_state("web")
        assert state is not None
        return Version.parse(state.content)


@dataclass
class Machine(Bench):
    """A machine with a scratch directory of its own, and the module and the record of all."""

    shared: Shared | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        make_key(self.directory / "key")
        self.write(**{"main.tf": MODULE.replace("LOG", str(self.log))})

    @property
    def there(self) -> Shared:
        assert self.shared is not None
        return self.shared

    @property
    def environment(self) -> AnyEnvironment:
        assert self.there.environment is not None
        return self.there.environment

    @environment.setter
    def environment(self, environment: AnyEnvironment) -> None:
        if self.there.environment is None:
            self.there.repository.create(environment)
            self.there.environment = environment
            self.there.take()
        elif self.there.environment.lineage == environment.lineage:
            self.there.environment = environment

    @property
    def module(self) -> Path:
        return self.directory.parent / "module"

    @property
    def log(self) -> Path:
        return self.directory.parent / "log"

    @property
    def layout(self) -> Layout:
        return Layout(self.data)

    @property
    def context(self) -> StepContext:
        session = self.there.session if self.there.held else None
        carried = carrier_of(self.there.repository, "web", session)
        return replace(super().context, carried=carried, progress=self.reports.append)

    async def observe(self) -> Observation:
        carried = carrier_of(self.there.repository, "web")
        assert carried is not None
        return await self.spec.observe_carried(self.environment, self.data, carried, deep=True)

    def effects(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    async def destroy(self) -> None:
        await self.run("destroy", "check_teardown", "destroy_infrastructure", "verify_absence", "clean_up")


MakeMachine: TypeAlias = Callable[[str], Machine]


@pytest.fixture
def shared() -> Iterator[Shared]:
    with ExitStack() as sessions:
        yield Shared(sessions)


@pytest.fixture
def make_machine(tmp_path: Path, shared: Shared) -> MakeMachine:
    def make(name: str) -> Machine:
        return Machine(tmp_path / name, shared=shared)

    return make


@pytest.fixture
def first(make_machine: MakeMachine) -> Machine:
    return make_machine("first")


@pytest.fixture
def second(make_machine: MakeMachine, first: Machine) -> Machine:
    return make_machine("second")
