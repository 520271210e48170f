"""Open environments that other processes hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from environments.execution.progress import Noticed, Progress
from environments.execution.sessions import open_session, patiently
from environments.model.environment import Environment
from environments.model.states import Created
from environments.ports import EnvironmentRepository
from statechart.errors import Locked
from statechart.holder import Holder


@pytest.fixture
def repository(any_repository: EnvironmentRepository) -> EnvironmentRepository:
    return any_repository


async def test_a_waiting_command_notifies_once_with_the_holder(
    created: Environment[Created], repository: EnvironmentRepository, told: list[Progress]
) -> None:
    held = repository.open("demo", Holder.current("envchart run"))
    asyncio.get_running_loop().call_later(0.05, held.close)

    with await open_session(
        repository, "demo", Holder.current("envchart update"), 5, observers=[told.append]
    ):
        pass

    assert [type(each) for each in told] == [Noticed]
    assert "waiting up to 5 s: 'demo' is locked: envchart run, pid" in told[0].message


async def test_waiting_does_not_block_other_tasks(
    created: Environment[Created], repository: EnvironmentRepository
) -> None:
    held = repository.open("demo", Holder.current("envchart run"))
    waiting = asyncio.ensure_future(open_session(repository, "demo", Holder.current("second"), 5))

    await asyncio.sleep(0.02)
    assert not waiting.done()
    held.close()

    (await waiting).close()


@pytest.mark.parametrize(
    ("step", "doing"),
    [("first_provision", "now at step 1/2 first_provision since "), (None, "now between two steps")],
)
async def test_a_lock_error_names_the_step_of_the_holder(
    created: Environment[Created],
    repository: EnvironmentRepository,
    crash: Callable[..., Any],
    step: str | None,
    doing: str,
) -> None:
    crash("provision", "provisioning", step)

    with (
        repository.open("demo", Holder.current("envchart provision")),
        pytest.raises(Locked, match=doing) as locked,
    ):
        await open_session(repository, "demo", Holder.current("second"))

    assert locked.value.doing is not None
    assert locked.value.holder is not None


async def test_a_holder_without_an_operation_has_no_known_step(
    created: Environment[Created], repository: EnvironmentRepository
) -> None:
    with repository.open("demo", Holder.current("envchart update")), pytest.raises(Locked) as locked:
        await open_session(repository, "demo", Holder.current("second"))

    assert locked.value.doing is None


async def test_without_a_timeout_there_is_no_wait() -> None:
    def locked() -> None:
        raise Locked("demo", None)

    waits: list[Locked] = []
    with pytest.raises(Locked):
        await patiently(locked, 0, waits.append)

    assert waits == []
