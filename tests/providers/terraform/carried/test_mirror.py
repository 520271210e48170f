"""The state is stored while a program changes it, whatever happens to the program or the store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import StateCarrier, StepContext
from environments.ports import STATES_KEPT
from environments.providers.terraform.tofu.carried import mirror
from environments.providers.terraform.tofu.carried.build import at_hand
from environments.providers.terraform.tofu.carried.keys import StateKeys
from environments.providers.terraform.tofu.carried.mirror import mirrored
from environments.providers.terraform.tofu.carried.version import Version
from environments.providers.terraform.tofu.carried.whole import WholeState
from environments.providers.terraform.tofu.state_file import PLANNED
from environments.system.waiting import until
from statechart.errors import LeaseLost, StorageError
from tests.providers.terraform.carried.conftest import Machine, Shared
from tests.providers.terraform.carried.test_choice import state

STARTED = AssertionError("it was started")


@pytest.fixture
def machine(first: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with a state that lists a resource."""
    monkeypatch.setattr(mirror, "EVERY", 0.02)
    outputs = first.environment.outputs.updated({"details": {PLANNED: True}})
    first.environment = first.environment.model_copy(update={"outputs": outputs})
    first.copy.mkdir(parents=True)
    first.state.write_bytes(state(1).content)
    return first


class Failing:
    """A carrier whose store fails while versions are stored."""

    held = True

    def __init__(self, carrier: StateCarrier | None, problem: Callable[[int], StorageError | None]) -> None:
        assert carrier is not None
        self.carrier = carrier
        self.problem = problem
        self.stored = 0

    def latest(self) -> bytes | None:
        return self.carrier.latest()

    def carry(self, content: bytes) -> None:
        self.stored += 1
        if (problem := self.problem(self.stored)) is not None:
            raise problem
        self.carrier.carry(content)


async def applied(
    machine: Machine,
    context: StepContext,
    state: WholeState,
    *,
    then: Exception | None = None,
    gone: bool = False,
) -> None:
    """Write a state as an apply does, which may then fail, or remove the file."""
    async with mirrored(machine.spec, context, "apply"):
        machine.state.write_bytes(state.content)
        if gone:
            machine.state.unlink()
        if then is not None:
            raise then


async def waiting(machine: Machine, context: StepContext) -> None:
    """Write a state as an apply does that goes on for long."""
    async with asyncio.timeout(60), mirrored(machine.spec, context, "apply"):
        machine.state.write_bytes(state(2).content)
        await asyncio.sleep(50)


def losing(machine: Machine) -> StepContext:
    """Return a context whose environment is lost after the first version."""
    lost = LeaseLost("web", "there")
    return replace(
        machine.context,
        carried=Failing(machine.context.carried, lambda number: lost if number > 1 else None),
    )


def serials(shared: Shared) -> list[int]:
    return [Version.parse(each.content).header.serial for each in shared.repository.states("web")]


async def seen(shared: Shared, serial: int) -> None:
    assert await until(lambda: serials(shared)[-1:] == [serial], within=30, every=0.01)


async def test_each_change_is_stored_while_the_program_runs(machine: Machine, shared: Shared) -> None:
    async with mirrored(machine.spec, machine.context, "apply"):
        assert serials(shared) == [1]
        machine.state.write_bytes(state(2).content)
        await seen(shared, 2)
        assert shared.version().header.at_work
        machine.state.write_bytes(state(3).content)

    assert serials(shared) == [1, 2, 3]
    assert not shared.version().header.at_work


async def test_a_part_of_a_state_is_not_stored(machine: Machine, shared: Shared) -> None:
    async with mirrored(machine.spec, machine.context, "apply"):
        whole = state(2, names=("one", "two")).content
        machine.state.write_bytes(whole[:-20])
        await asyncio.sleep(0.3)
        assert serials(shared) == [1]
        machine.state.write_bytes(whole)
        await seen(shared, 2)


async def test_a_program_that_was_killed_while_it_wrote_is_told(machine: Machine, shared: Shared) -> None:
    torn = replace(state(2), content=state(2).content[:-20])

    with pytest.raises(StepFailed, match="is damaged, since Terraform was killed while it wrote"):
        await applied(machine, machine.context, torn)

    assert serials(shared) == [1]


async def test_a_file_that_is_gone_leaves_the_version_before_it(machine: Machine, shared: Shared) -> None:
    with pytest.raises(StepFailed, match="is gone; the record has an earlier version"):
        await applied(machine, machine.context, state(2), gone=True)

    assert shared.version().header.kept
    await at_hand(machine.spec, machine.context)
    assert machine.state.exists()


async def test_a_state_in_a_backend_is_only_noted(machine: Machine, shared: Shared) -> None:
    machine.state.unlink()
    (machine.copy / ".terraform").mkdir()
    (machine.copy / ".terraform" / "terraform.tfstate").write_text('{"backend": {"type": "pg"}}')

    async with mirrored(machine.spec, machine.context, "apply"):
        pass

    assert not shared.version().header.kept
    assert (await at_hand(machine.spec, machine.context)).directory == machine.data
    assert not machine.state.exists()


async def test_a_program_that_was_cut_off_left_its_mark(machine: Machine, shared: Shared) -> None:
    async with mirrored(machine.spec, machine.context, "apply"):
        machine.layout.lock.root.joinpath(*machine.layout.lock.names).write_text("{}")

    assert shared.version().header.at_work


async def test_a_look_stores_nothing(machine: Machine, shared: Shared) -> None:
    async with mirrored(machine.spec, machine.context, "plan"):
        pass
    shared.held = False
    async with mirrored(machine.spec, machine.context, "apply"):
        pass
    async with mirrored(machine.spec, replace(machine.context, carried=None), "apply"):
        pass

    assert serials(shared) == []


async def test_the_number_of_versions_is_bounded(machine: Machine, shared: Shared) -> None:
    for serial in range(2, STATES_KEPT + 4):
        machine.state.write_bytes(state(serial).content)
        async with mirrored(machine.spec, machine.context, "apply"):
            pass

    assert len(serials(shared)) == STATES_KEPT


async def test_a_failure_of_the_program_stays_what_it_is(machine: Machine, shared: Shared) -> None:
    failure = StepFailed(FailureCause.INFRASTRUCTURE, "no room")

    with pytest.raises(StepFailed) as caught:
        await applied(machine, machine.context, state(2), then=failure)

    assert caught.value is failure
    assert serials(shared)[-1] == 2


async def test_a_cancellation_goes_on_after_the_last_version(machine: Machine, shared: Shared) -> None:
    task = asyncio.ensure_future(waiting(machine, machine.context))
    assert await until(lambda: machine.state.read_bytes() == state(2).content, within=30, every=0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert serials(shared)[-1] == 2


async def test_a_lost_lease_ends_the_program(machine: Machine, shared: Shared) -> None:
    with pytest.raises(StepFailed, match="another process holds the environment by now") as caught:
        await waiting(machine, losing(machine))

    assert caught.value.cause is FailureCause.PERSISTENCE
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert serials(shared) == [1]


async def test_a_lease_that_is_lost_at_the_end_is_told(machine: Machine) -> None:
    with pytest.raises(StepFailed, match="its last state is only in"):
        await applied(machine, losing(machine), state(2))


async def test_a_store_that_was_away_gets_the_last_version(machine: Machine, shared: Shared) -> None:
    away = Failing(machine.context.carried, lambda number: StorageError("away") if 1 < number < 5 else None)
    told: list[str] = []
    context = replace(machine.context, carried=away, progress=told.append)

    async with mirrored(machine.spec, context, "apply"):
        machine.state.write_bytes(state(2).content)
        assert await until(lambda: away.stored >= 3, within=30, every=0.01)

    assert serials(shared)[-1] == 2
    assert told == ["the state of Terraform can't be stored with the record at present: away"]


async def test_a_store_that_stays_away_fails_the_step(
    machine: Machine, shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "_PATIENCE", 0.0)
    away = Failing(machine.context.carried, lambda number: StorageError("away") if number > 1 else None)

    with pytest.raises(StepFailed, match=r"only in .* could not be stored with the record: away"):
        await applied(machine, replace(machine.context, carried=away), state(2))

    assert serials(shared) == [1]
    await at_hand(machine.spec, machine.context)
    assert serials(shared) == [1, 2], "this machine has it, and stores it with the next step"


async def test_a_store_that_is_still_away_when_a_command_is_ended_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "_PATIENCE", 0.0)
    away = Failing(machine.context.carried, lambda number: StorageError("away") if number > 1 else None)
    told: list[str] = []
    context = replace(machine.context, carried=away, progress=told.append)

    async def work() -> None:
        async with mirrored(machine.spec, context, "apply"):
            task.cancel()
            await asyncio.sleep(1000)

    task = asyncio.ensure_future(work())
    with pytest.raises(asyncio.CancelledError):
        await task

    assert "its last state is only in" in told[-1]
    assert "Go on on this machine" in told[-1]


async def test_without_the_store_the_program_is_not_started(machine: Machine) -> None:
    away = Failing(machine.context.carried, lambda _number: StorageError("away"))

    with pytest.raises(StepFailed, match="Terraform was not started: its state can't be stored"):
        await applied(machine, replace(machine.context, carried=away), state(2), then=STARTED)


async def test_without_its_key_the_program_is_not_started(
    machine: Machine, shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STATE_KEY", raising=False)
    machine.settings["state_key"] = {"env": "STATE_KEY"}

    with pytest.raises(StepFailed, match="state_key: the environment variable STATE_KEY, which"):
        await applied(machine, machine.context, state(2), then=STARTED)

    assert serials(shared) == []


async def test_another_lineage_is_not_stored(machine: Machine, shared: Shared) -> None:
    outputs = machine.environment.outputs.updated({"details": {"state_lineage": "ours"}})
    machine.environment = machine.environment.model_copy(update={"outputs": outputs})

    with pytest.raises(StepFailed, match="its lineage is another instead of ours"):
        await applied(machine, machine.context, state(9, lineage="another"))

    assert serials(shared) == [1]


async def test_a_state_that_could_not_be_saved_is_stored(machine: Machine, shared: Shared) -> None:
    saved = state(4, names=("one", "two"))
    async with mirrored(machine.spec, machine.context, "apply"):
        (machine.copy / "errored.tfstate").write_bytes(saved.content)

    assert shared.version().state(StateKeys()) == saved
    await at_hand(machine.spec, machine.context)
    assert machine.state.read_bytes() == saved.content
    assert not (machine.copy / "errored.tfstate").exists()


async def test_a_large_state_is_stored_small(machine: Machine, shared: Shared) -> None:
    large = state(2, names=tuple(f"resource-{number}" * 200 for number in range(200)))
    async with mirrored(machine.spec, machine.context, "apply"):
        machine.state.write_bytes(large.content)

    assert len(large.content) > 500_000
    assert len(shared.version().stored) < len(large.content) / 10
    assert shared.version().state(StateKeys()) == large


async def test_the_state_is_encrypted_with_the_key_of_the_spec(
    machine: Machine, shared: Shared, second: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_KEY", "PlSE1Q0ZjKsyd4CSqTYpRPKKx6n8mJMyhmdpl2d0U/I=")
    machine.settings["state_key"] = second.settings["state_key"] = {"env": "STATE_KEY"}
    async with mirrored(machine.spec, machine.context, "apply"):
        pass

    assert b"thing" not in shared.version().body
    await at_hand(second.spec, second.context)
    assert second.state.read_bytes() == machine.state.read_bytes()


async def test_the_state_that_was_put_back_is_for_its_owner_only(machine: Machine, second: Machine) -> None:
    async with mirrored(machine.spec, machine.context, "apply"):
        pass

    await at_hand(second.spec, second.context)

    for path in (second.state, second.data / "build" / "carried.json"):
        assert path.stat().st_mode & 0o077 == 0


async def test_a_context_without_a_carrier_costs_nothing(machine: Machine) -> None:
    context: StepContext = replace(machine.context, carried=None)

    assert await at_hand(machine.spec, context) is context
    assert not (machine.data / "build" / "carried.json").exists()
    assert json.loads(machine.state.read_bytes())["serial"] == 1
