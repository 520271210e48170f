"""A command on an environment that its storage lends for a time."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from environments.execution.commands import COMMANDS
from environments.execution.lent.leases import leased
from environments.execution.sessions import SessionOver
from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.failure import FailureCause
from environments.model.operation import Operation
from environments.model.records import TransitionRecord
from environments.model.spec import EnvironmentSpec
from environments.model.states import Provisioning
from environments.storage.memory import MemoryRepository
from environments.system.watchdog import Watchdog
from environments.testing import FixedClock, ScriptedProvider, ScriptedSpec
from statechart.errors import LeaseLost
from statechart.holder import Holder
from statechart.storage.values.held import LeaseWatcher, lease_time
from tests.scenarios.tasks import begin


class Lending(SessionOver):
    """A session of a storage that lends its environments; the test takes the part of the heartbeat."""

    watcher: LeaseWatcher

    def watch(self, watcher: LeaseWatcher) -> None:
        self.watcher = watcher
        watcher.renewed(lease_time() + 1000)


@pytest.fixture
def session(repository: MemoryRepository, created: Any) -> Lending:
    return Lending(repository.open("demo", Holder.current("test")))


async def test_a_command_whose_lease_is_lost_ends_with_it(session: Lending) -> None:
    ended = []

    async def work() -> None:
        with leased(session, "key"):
            threading.Thread(target=session.watcher.lost, args=("the database does not answer",)).start()
            try:
                await asyncio.sleep(1000)
            finally:
                ended.append("tidied up")

    with pytest.raises(LeaseLost, match="'demo' was being changed; the work was ended, which is recorded"):
        await work()

    assert ended == ["tidied up"]
    await asyncio.sleep(0)  # the task is not cancelled any more


async def test_a_command_that_could_not_record_its_end_says_so(session: Lending) -> None:
    created = session.environment
    operation = Operation(
        id="1", command=CommandName.PROVISION, started_at=created.created_at, holder=Holder.current()
    )
    begun = created.entering(Provisioning(), at=created.created_at, operation=operation)
    session.commit(
        TransitionRecord(
            event="provision", from_state="created", to_state="provisioning", environment=begun
        )
    )

    async def work() -> None:
        with leased(session, "key"):
            session.watcher.lost("the database does not answer")
            await asyncio.sleep(1000)

    with pytest.raises(LeaseLost, match="nothing more was written"):
        await work()


async def test_a_step_that_makes_an_error_of_its_own_for_the_end_is_ended_by_the_loss(
    session: Lending,
) -> None:
    async def work() -> None:
        with leased(session, "key"):
            session.watcher.lost("the database does not answer")
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                raise asyncio.CancelledError from None

    with pytest.raises(LeaseLost):
        await work()


async def test_a_cancellation_by_others_after_the_loss_stays_one(session: Lending) -> None:
    async def work() -> None:
        with leased(session, "key"):
            session.watcher.lost("the database does not answer")
            await asyncio.sleep(1000)

    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_by_others_stays_one(session: Lending) -> None:
    async def work() -> None:
        with leased(session, "key"):
            await asyncio.sleep(1000)

    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_loss_after_the_end_cancels_nothing(session: Lending) -> None:
    with leased(session, "key") as held:
        held.close()

    session.watcher.lost("the database does not answer")
    await asyncio.sleep(0.01)


async def test_a_renewal_after_the_end_keeps_nothing(session: Lending) -> None:
    with leased(session, "key") as held:
        held.close()

    session.watcher.renewed(lease_time() + 1000)

    assert "key" not in Watchdog.of_this_process()._lines


async def test_a_storage_that_holds_for_good_needs_no_watchdog(
    repository: MemoryRepository, created: Any, tmp_path: Path
) -> None:
    with repository.open("demo", Holder.current("test")) as session, leased(session, "key") as held:
        assert held is session


class LendingRepository(MemoryRepository):
    """A storage that lends its environments."""

    lent: Lending

    def open(self, name: str, holder: Holder, timeout: float = 0.0) -> Any:  # Any: a session over it
        self.lent = Lending(super().open(name, holder, timeout))
        return self.lent


async def test_the_record_says_that_a_step_was_ended_as_the_lease_could_not_be_renewed(
    provider: ScriptedProvider, clock: FixedClock, tmp_path: Path
) -> None:
    repository = LendingRepository(tmp_path / "lending")
    repository.create(Environment.new(EnvironmentSpec(name="demo", provider=ScriptedSpec()), clock.now()))
    provider.hangs.add("second_provision")
    running = await begin(COMMANDS[CommandName.PROVISION](repository, provider, clock=clock))

    repository.lent.watcher.lost("the database does not answer")
    with pytest.raises(LeaseLost, match=r"in time \(the database does not answer\).*which is recorded"):
        await running

    failed = repository.load("demo")
    assert failed.failure is not None
    assert failed.failure.cause is FailureCause.PERSISTENCE
    assert "lease of the environment could not be renewed in time: the database" in failed.failure.summary
    assert failed.operation is not None
    assert [step.name for step in failed.operation.in_doubt] == ["second_provision"]
