"""Commands that could not record their end are settled by the next command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from environments.errors import CommandFailed, OperationInterrupted
from environments.model.environment import AnyEnvironment, Environment
from environments.model.records import AnyRecord, StepRecord, TransitionRecord
from environments.model.states import Created
from environments.model.steps import Probed
from environments.storage.memory import MemoryRepository
from environments.testing import ScriptedProvider
from statechart.errors import StorageError
from tests.conftest import MakeCommand, Place


class Disk:
    """A disk that is full from a certain record on, until there is space."""

    def __init__(self, full_at: int) -> None:
        self.left = full_at
        self.full = True

    def __call__(self, record: AnyRecord) -> None:
        if not self.full:
            return
        self.left -= 1
        if self.left < 0:
            raise StorageError("cannot append to history.jsonl: the disk is full")


@pytest.fixture
def repository(tmp_path: Path) -> MemoryRepository:
    return MemoryRepository(tmp_path / "memory")


# created; then the opening, intent, result, intent, result, outcome
@pytest.mark.parametrize("written", range(6))
async def test_the_same_command_resumes_once_there_is_space(
    created: Environment[Created],
    repository: MemoryRepository,
    make_command: MakeCommand,
    provider: ScriptedProvider,
    written: int,
) -> None:
    repository.before_append = disk = Disk(written)
    with pytest.raises((CommandFailed, StorageError), match="the disk is full"):
        await make_command("provision").attempt("demo")
    disk.full = False

    done = await make_command("provision").attempt("demo")

    assert done.state.name == "provisioned"
    assert set(provider.done) == {"first_provision", "second_provision"}


async def test_an_unrecorded_end_is_recorded_later(
    created: Environment[Created],
    repository: MemoryRepository,
    make_command: MakeCommand,
    journal: Callable[[], list[str]],
) -> None:
    repository.before_append = disk = Disk(2)
    with pytest.raises(CommandFailed):
        await make_command("provision").attempt("demo")
    disk.full = False

    await make_command("destroy").attempt("demo")

    told = journal()
    assert told[:4] == [
        "created",
        "provision -> provisioning",
        "intent first_provision",
        "fail -> provision_failed",
    ]
    failed = repository.history("demo")[3].record
    assert isinstance(failed, TransitionRecord)
    assert failed.reason == "its end could not be recorded at the time"


async def test_an_effect_without_a_result_stays_in_doubt_and_is_probed(
    created: Environment[Created],
    repository: MemoryRepository,
    make_command: MakeCommand,
    provider: ScriptedProvider,
) -> None:
    repository.before_append = disk = Disk(2)
    with pytest.raises(CommandFailed):
        await make_command("provision").attempt("demo")
    disk.full = False
    provider.probes["first_provision"] = Probed.done("it is there")

    await make_command("provision").attempt("demo")

    assert provider.done == ["first_provision", "second_provision"]
    results = [
        entry.record.result
        for entry in repository.history("demo")
        if isinstance(entry.record, StepRecord) and entry.record.result
    ]
    assert [(result.name, result.probed) for result in results] == [
        ("first_provision", True),
        ("second_provision", False),
    ]


async def test_a_destroy_with_an_unrecorded_end_is_resumed(
    place: Place, repository: MemoryRepository, make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    place("running")
    repository.before_append = disk = Disk(4)
    with pytest.raises(CommandFailed):
        await make_command("destroy").attempt("demo")
    disk.full = False

    destroyed = await make_command("destroy").attempt("demo")

    assert destroyed.state.name == "destroyed"
    assert provider.done == ["first_destroy", "second_destroy", "second_destroy"]


async def test_a_dead_command_is_not_treated_as_an_unrecorded_end(
    created: Environment[Created],
    make_command: MakeCommand,
    crash: Callable[..., AnyEnvironment],
) -> None:
    crash("provision", "provisioning", "first_provision")

    for _ in range(2):
        with pytest.raises(OperationInterrupted):
            await make_command("provision").attempt("demo")
