"""The build directory of a machine is made to fit the record."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import Verdict
from environments.providers.common.known_hosts import pinned
from environments.providers.terraform.remote.connection import PINNED, REACHED
from environments.providers.terraform.tofu.carried.build import at_hand
from environments.providers.terraform.tofu.carried.mirror import mirrored
from environments.providers.terraform.tofu.carried.note import Note
from environments.providers.terraform.tofu.state_file import PLANNED
from statechart.errors import StorageError
from tests.providers.terraform.carried.conftest import Machine, Shared
from tests.providers.terraform.carried.test_choice import state

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO8Gz1qOTyyr2P2mQLzx6VAzyIZUWy2vGXcl1jYu7mbK"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICmBvDDySVVD2X6eLONjrmpJHgWc3q3Xb3xI1Z7mAzYt"
LOCKING = """
import fcntl, sys
file = open(sys.argv[1], 'r+')
fcntl.lockf(file, fcntl.LOCK_EX)
print(flush=True)
input()
"""


def record(machine: Machine, details: dict[str, Any], **outputs: Any) -> None:
    """Record outputs of the environment."""
    updated = machine.environment.outputs.updated({"details": details, **outputs})
    machine.environment = machine.environment.model_copy(update={"outputs": updated})


def reached(machine: Machine, key: str = KEY, *, owned: bool = True) -> None:
    record(machine, {REACHED: True, PINNED: key}, instance_ip="192.0.2.7", owned=owned)


async def applied(machine: Machine, serial: int = 1, *, cut_off: bool = False) -> None:
    """Do what an apply leaves behind: a state, a module, and the record."""
    record(machine, {PLANNED: True})
    machine.copy.mkdir(parents=True, exist_ok=True)
    (machine.copy / "main.tf").write_text("# of this machine")
    async with mirrored(machine.spec, machine.context, "apply"):
        machine.state.write_bytes(state(serial).content)
        if cut_off:
            (machine.copy / ".terraform.tfstate.lock.info").write_text("{}")


def key_on(machine: Machine) -> str | None:
    return pinned(machine.layout.known_hosts, "192.0.2.7", 1)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Lock a file in another process, as Terraform does."""
    words = [sys.executable, "-c", LOCKING, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield
        holder.communicate(b"\n")


@pytest.mark.parametrize("owned", [True, False], ids=["made", "registered"])
async def test_the_key_of_the_host_is_pinned_on_each_machine(second: Machine, owned: bool) -> None:
    reached(second, owned=owned)

    await at_hand(second.spec, second.context)

    assert key_on(second) == KEY


async def test_a_key_that_a_person_removed_stays_removed(second: Machine) -> None:
    reached(second)
    await at_hand(second.spec, second.context)
    (second.data / "build" / "ssh" / "known_hosts").unlink()

    await at_hand(second.spec, second.context)

    assert key_on(second) is None


async def test_another_key_in_the_record_replaces_the_pinned_one(second: Machine) -> None:
    reached(second)
    await at_hand(second.spec, second.context)
    reached(second, OTHER)

    await at_hand(second.spec, second.context)

    assert key_on(second) == OTHER


async def test_a_record_of_an_earlier_version_gives_the_key_of_the_module(second: Machine) -> None:
    record(second, {REACHED: True, "ssh_host_key": KEY}, instance_ip="192.0.2.7")

    await at_hand(second.spec, second.context)

    assert key_on(second) == KEY


async def test_the_files_of_an_earlier_module_are_removed(first: Machine, second: Machine) -> None:
    await applied(second)
    await applied(first, 2)

    await at_hand(second.spec, second.context)

    assert second.state.read_bytes() == first.state.read_bytes()
    assert not (second.copy / "main.tf").exists()
    await at_hand(first.spec, first.context)
    assert (first.copy / "main.tf").exists(), "the first machine was the last one"


async def test_a_cut_off_is_known_on_each_machine(first: Machine, second: Machine) -> None:
    await applied(first, cut_off=True)

    await at_hand(second.spec, second.context)

    assert second.layout.lock.exists()


async def test_a_state_is_not_replaced_under_a_terraform_at_work(first: Machine, second: Machine) -> None:
    await applied(second)
    await applied(first, 2)
    with locked(second.state), pytest.raises(StepFailed, match="a Terraform is still at work on"):
        await at_hand(second.spec, second.context)

    await at_hand(second.spec, second.context)
    assert second.state.read_bytes() == first.state.read_bytes()


async def test_a_directory_that_has_to_be_gone_is_not_made_again(first: Machine) -> None:
    await applied(first)
    record(first, {PLANNED: False})
    await first.run("destroy", "clean_up")

    probed = await first.probe("destroy", "clean_up")

    assert probed.verdict is Verdict.DONE


async def test_a_look_that_is_not_held_leaves_the_directory_alone(
    first: Machine, second: Machine, shared: Shared
) -> None:
    await applied(second)
    await applied(first, 2)
    shared.held = False

    there = await at_hand(second.spec, second.context)

    assert there.directory == second.data / "look"
    assert (second.copy / "main.tf").exists()
    assert (await at_hand(first.spec, first.context)).directory == first.data


async def test_a_store_that_is_away_is_told(first: Machine) -> None:
    await applied(first)

    class Away:
        held = True

        def latest(self) -> bytes | None:
            raise StorageError("away")

        def carry(self, content: bytes) -> None:
            raise AssertionError(content)

    with pytest.raises(StepFailed, match="can't be read from the record: away") as caught:
        await at_hand(first.spec, replace(first.context, carried=Away()))
    assert caught.value.cause is FailureCause.PERSISTENCE
    seen = await first.spec.observe_carried(first.environment, first.data, Away(), deep=True)
    assert seen.unseen == (
        "the infrastructure: the state of Terraform can't be read from the record: away",
    )


async def test_an_orphan_that_only_went_on_with_what_the_record_had_is_no_obstacle(
    first: Machine, second: Machine
) -> None:
    await applied(second)
    await applied(first, 7)
    (first.copy / "main.tf").unlink()
    async with mirrored(first.spec, first.context, "apply"):
        first.state.write_bytes(state(9, names=("another",)).content)
    second.state.write_bytes(state(2).content)  # as a Terraform that was ended notes a resource as tainted

    await at_hand(second.spec, second.context)

    assert second.state.read_bytes() == first.state.read_bytes()


async def test_an_orphan_that_made_a_resource_is_kept_for_a_person(first: Machine, second: Machine) -> None:
    await applied(second)
    await applied(first, 7)
    second.state.write_bytes(state(2, names=("one", "two")).content)

    with pytest.raises(StepFailed, match=r"lacks: thing\.two \(id two\)\. Remove those"):
        await at_hand(second.spec, second.context)

    assert second.state.read_bytes() == state(2, names=("one", "two")).content


async def test_resources_that_are_too_many_to_name_are_counted(first: Machine, second: Machine) -> None:
    await applied(second)
    await applied(first, 7)
    many = tuple(f"r{number}" for number in range(25))
    second.state.write_bytes(state(2, names=many).content)

    with pytest.raises(StepFailed, match=r"and 15 more\. .*'terraform show terraform\.tfstate' in"):
        await at_hand(second.spec, second.context)


async def test_a_version_that_was_stored_and_not_noted_is_noted_later(first: Machine) -> None:
    await applied(first, 7)
    note = Note.read(first.layout)
    assert note is not None
    note.model_copy(update={"known": "", "serial": 0, "seen": ""}).write(first.layout)

    await at_hand(first.spec, first.context)

    again = Note.read(first.layout)
    assert again is not None
    assert (again.known, again.serial) == (note.known, 7)
