"""The state moves between a data directory and a database."""

from __future__ import annotations

import pytest

from environments.errors import StepFailed
from environments.providers.common.known_hosts import pinned
from environments.providers.terraform.tofu.carried.build import at_hand
from tests.providers.terraform.carried.conftest import Machine
from tests.providers.terraform.carried.test_build import KEY, applied, reached
from tests.providers.terraform.carried.test_choice import state


async def test_a_state_goes_there_and_back(first: Machine, second: Machine) -> None:
    await applied(first, 3)
    reached(first)

    content = first.spec.packed_state(first.environment, first.data)
    assert content is not None
    second.spec.unpack_state(second.environment, second.data, content)

    assert second.state.read_bytes() == first.state.read_bytes()
    assert pinned(second.layout.known_hosts, "192.0.2.7", 1) == KEY


async def test_a_state_that_was_moved_is_put_back(first: Machine, second: Machine) -> None:
    await applied(first, 3)
    content = first.spec.packed_state(first.environment, first.data)
    assert content is not None
    carried = second.context.carried
    assert carried is not None
    carried.carry(content)

    await at_hand(second.spec, second.context)

    assert second.state.read_bytes() == first.state.read_bytes()


def test_an_environment_without_a_state_moves_without_one(first: Machine) -> None:
    assert first.spec.packed_state(first.environment, first.data) is None


async def test_another_state_is_not_overwritten(first: Machine, second: Machine) -> None:
    await applied(first, 3)
    content = first.spec.packed_state(first.environment, first.data)
    assert content is not None
    second.copy.mkdir(parents=True)
    second.state.write_bytes(state(9).content)

    with pytest.raises(StepFailed, match="is another state: move it away"):
        second.spec.unpack_state(second.environment, second.data, content)


@pytest.mark.parametrize(
    ("name", "problem"),
    [("terraform.tfstate", "can't be read: put it back"), ("errored.tfstate", "push it, then move")],
)
def test_a_state_that_is_not_whole_does_not_move(first: Machine, name: str, problem: str) -> None:
    first.copy.mkdir(parents=True)
    (first.copy / name).write_text("{")

    with pytest.raises(StepFailed, match=problem):
        first.spec.packed_state(first.environment, first.data)
