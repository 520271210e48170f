"""Destroy can go on unrecorded in an emergency."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from environments.errors import CommandFailed, StepFailed, Unrecorded
from environments.model.failure import FailureCause
from environments.model.records import AnyRecord
from environments.storage.memory import MemoryRepository
from environments.testing import ScriptedProvider
from statechart.errors import Locked, StorageError
from statechart.holder import Holder
from tests.conftest import MakeCommand, Place


@pytest.fixture
def repository(tmp_path: Path) -> MemoryRepository:
    return MemoryRepository(tmp_path / "memory")


def full(_record: AnyRecord) -> None:
    raise StorageError("cannot append to history.jsonl: the disk is full")


def full_between(first: int, last: int) -> Callable[[AnyRecord], None]:
    """A disk that is full between two appends, counted from 0."""
    count = iter(range(1_000_000))

    def append(record: AnyRecord) -> None:
        if first <= next(count) <= last:
            full(record)

    return append


async def test_by_default_no_step_runs_unrecorded(
    place: Place, repository: MemoryRepository, make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    place("running")
    repository.before_append = full

    with pytest.raises(StorageError, match="the disk is full"):
        await make_command("destroy").attempt("demo")

    assert provider.done == []


async def test_on_request_destroy_goes_on_and_returns_the_unsaved_records(
    place: Place, repository: MemoryRepository, make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    running = place("running")
    repository.before_append = full

    said = "'demo' is destroyed, but 6 records of it could not be saved"
    with pytest.raises(Unrecorded, match=said) as gone:
        await make_command("destroy", keep_going_unrecorded=True).attempt("demo")

    assert provider.done == ["first_destroy", "second_destroy"]
    assert repository.load("demo") == running
    assert ['"phase":"intent"' in record for record in gone.value.records] == [
        *(False, True, False),
        *(True, False, False),
    ]


async def test_waiting_records_are_saved_in_order(
    place: Place,
    repository: MemoryRepository,
    make_command: MakeCommand,
    journal: Callable[[], list[str]],
) -> None:
    place("running")
    repository.before_append = full_between(1, 4)

    destroyed = await make_command("destroy", keep_going_unrecorded=True).attempt("demo")

    assert destroyed.state.name == "destroyed"
    assert journal()[2:] == [
        "opened",
        *("intent first_destroy", "result first_destroy"),
        *("intent second_destroy", "result second_destroy"),
        "destroy -> destroyed",
    ]


async def test_a_failed_step_is_reported_with_the_unsaved_records(
    place: Place, repository: MemoryRepository, make_command: MakeCommand, provider: ScriptedProvider
) -> None:
    place("running")
    provider.fails["second_destroy"] = [StepFailed(FailureCause.NETWORK, "no way there")]
    repository.before_append = full

    with pytest.raises(Unrecorded, match="destroy failed at second_destroy: partly torn down") as gone:
        await make_command("destroy", keep_going_unrecorded=True).attempt("demo")

    assert isinstance(gone.value.__cause__, CommandFailed)


async def test_destroy_still_respects_another_holder(
    place: Place, repository: MemoryRepository, make_command: MakeCommand
) -> None:
    place("running")

    with repository.open("demo", Holder.current("run")), pytest.raises(Locked):
        await make_command("destroy", keep_going_unrecorded=True).attempt("demo")
