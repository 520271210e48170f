"""A second machine goes on with the state of a first one, by a real Terraform."""

from __future__ import annotations

import asyncio
import json
import shutil
from datetime import timedelta

import pytest

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import Verdict
from environments.providers.terraform.tofu.carried.build import at_hand
from environments.providers.terraform.tofu.state_file import LINEAGE, SERIAL
from environments.system.waiting import until
from tests.providers.terraform.carried.conftest import Machine, Shared

pytestmark = pytest.mark.e2e


async def test_the_state_in_the_record_is_that_of_the_directory(first: Machine, shared: Shared) -> None:
    await first.provision()

    version = shared.version()

    state = json.loads(first.state.read_bytes())
    assert (version.header.lineage, version.header.serial) == (state["lineage"], state["serial"])
    assert first.environment.outputs.details[LINEAGE] == state["lineage"]
    assert first.environment.outputs.details[SERIAL] == state["serial"]
    assert not version.header.at_work


async def test_a_second_machine_changes_nothing_that_is_there(first: Machine, second: Machine) -> None:
    await first.provision()

    await second.provision()

    assert second.effects() == ["one"]


async def test_a_second_machine_destroys_by_the_module(first: Machine, second: Machine) -> None:
    await first.provision()

    await second.destroy()

    assert second.effects() == ["one", "one gone"]
    assert not second.layout.build.exists()


async def test_a_teardown_that_goes_on_at_its_effect_renders_the_module(
    first: Machine, second: Machine
) -> None:
    await first.provision()

    await second.run("destroy", "destroy_infrastructure")

    assert second.effects() == ["one", "one gone"]


@pytest.mark.parametrize("left", ["nothing", "an empty file", "the state alone"])
async def test_a_file_that_was_brought_by_hand_is_no_proof_of_absence(
    first: Machine, second: Machine, left: str
) -> None:
    await first.provision()
    if left != "nothing":
        second.copy.mkdir(parents=True)
        second.state.touch()
    if left == "the state alone":
        shutil.copy(first.state, second.state)

    probed = await second.probe("destroy", "verify_absence")

    assert probed.verdict is Verdict.NOT_DONE
    assert "still there: terraform_data.one" in probed.reason
    await second.destroy()
    assert second.effects() == ["one", "one gone"]


@pytest.mark.parametrize("left", ["nothing", "an empty file"])
async def test_a_record_without_the_state_is_no_proof_of_absence(
    first: Machine, second: Machine, shared: Shared, left: str
) -> None:
    await first.provision()
    shared.repository._stored["web"].states.clear()
    if left != "nothing":
        second.copy.mkdir(parents=True)
        second.state.touch()

    with pytest.raises(StepFailed, match="put it back from a backup"):
        await second.run("destroy", "destroy_infrastructure")

    probed = await second.probe("destroy", "verify_absence")
    assert probed.verdict is Verdict.UNKNOWN
    assert second.effects() == ["one"]


async def test_an_observation_leaves_an_older_directory_alone(
    first: Machine, second: Machine, shared: Shared
) -> None:
    await first.provision()
    await second.run("provision", "read_outputs")
    before = second.state.read_bytes()
    first.write(**{"two.tf": 'resource "terraform_data" "two" {}\n'})
    await first.provision()

    shared.held = False
    seen = await second.observe()

    assert seen.resources
    assert seen.unseen == ()
    assert seen.altered == ()
    assert second.state.read_bytes() == before
    assert "two" in (second.data / "look" / "build" / "terraform" / "terraform.tfstate").read_text()


async def test_destroy_time_provisioners_are_those_of_the_last_module(
    first: Machine, second: Machine
) -> None:
    await first.provision()
    await second.provision()
    main = first.module / "main.tf"
    main.write_text(main.read_text().replace("} gone", "} really gone"))
    first.write(**{"two.tf": 'resource "terraform_data" "two" {}\n'})
    await first.provision()

    await second.destroy()

    assert second.effects() == ["one", "one really gone"]


async def test_an_orphan_that_went_on_is_believed_on_its_machine(first: Machine, shared: Shared) -> None:
    await first.provision()
    state = json.loads(first.state.read_bytes())
    first.state.write_text(json.dumps({**state, "serial": state["serial"] + 3}))

    assert (await first.probe("provision", "read_outputs")).verdict is Verdict.DONE

    assert shared.version().header.serial == state["serial"] + 3


async def test_two_machines_that_went_on_apart_are_refused(
    first: Machine, second: Machine, shared: Shared
) -> None:
    await first.provision()
    second.write(**{"two.tf": 'resource "terraform_data" "two" {}\n'})
    await second.provision()
    state = json.loads(first.state.read_bytes())
    orphan = {**state["resources"][0], "name": "orphan"}
    first.state.write_text(json.dumps({**state, "serial": 99, "resources": [*state["resources"], orphan]}))

    with pytest.raises(StepFailed, match=r"lacks: terraform_data\.orphan \(id .*\)\. Remove") as caught:
        await first.run("destroy", "destroy_infrastructure")

    assert caught.value.cause is FailureCause.INFRASTRUCTURE
    assert first.effects() == ["one"]
    # A command that leaves the state alone goes on, and leaves the file to be looked at.
    assert (await at_hand(first.spec, first.context, changes=False)).directory == first.data / "look"
    assert "orphan" in first.state.read_text()
    first.state.unlink()
    await first.destroy()


async def test_the_state_of_something_else_is_refused(first: Machine, second: Machine) -> None:
    await first.provision()
    second.copy.mkdir(parents=True)
    state = json.loads(first.state.read_bytes())
    second.state.write_text(json.dumps({**state, "lineage": "another"}))

    with pytest.raises(StepFailed, match="its lineage is another, and that of the record is"):
        await second.run("destroy", "destroy_infrastructure")


async def test_a_state_that_was_cut_short_is_not_overwritten(first: Machine) -> None:
    await first.provision()
    whole = first.state.read_bytes()
    first.state.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(
        StepFailed, match=r"killed while it wrote\. The record has the state with the serial"
    ):
        await first.run("destroy", "destroy_infrastructure")

    first.state.unlink()
    await first.destroy()
    assert first.effects() == ["one", "one gone"]


async def test_a_lost_lease_ends_terraform(first: Machine, shared: Shared) -> None:
    main = first.module / "main.tf"
    many = "".join(
        f'resource "terraform_data" "r{n}" {{\n  provisioner "local-exec" {{ command = "sleep 0.3" }}\n}}\n'
        for n in range(100)
    )
    main.write_text(main.read_text() + many)
    await first.run("provision", "render_module", "initialise", "plan_infrastructure")
    applying = asyncio.ensure_future(first.run("provision", "apply_infrastructure"))
    assert await until(
        lambda: shared.version().header.serial >= 3, within=timedelta(seconds=60), every=0.05
    )

    shared.take()
    before = shared.version()
    with pytest.raises(StepFailed, match="another process holds the environment by now") as caught:
        async with asyncio.timeout(timedelta(seconds=60).total_seconds()):
            await applying

    assert caught.value.cause is FailureCause.PERSISTENCE
    assert shared.version() == before
