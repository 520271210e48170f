"""Applies that were killed, or could not save their state: what was created is never forgotten."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.operation import Operation, StepInHand
from environments.model.steps import Verdict
from environments.providers.terraform.tofu.state_file import SERIAL
from environments.system.waiting import until
from statechart.holder import Holder
from tests.operations import own
from tests.providers.terraform.backends.conftest import another_machine, is_there, kept_in, refused
from tests.providers.terraform.backends.servers import Backend, HttpBackend
from tests.providers.terraform.carried.conftest import Machine, MakeMachine, Shared
from tests.providers.terraform.conftest import Bench

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("terraform")]

PLAN = ("render_module", "initialise", "validate", "plan_infrastructure")
MODULE = """
terraform {
  BLOCK
}
resource "terraform_data" "a" {
  provisioner "local-exec" { command = "touch 'PLACE.a'" }
}
resource "terraform_data" "b" {
  depends_on = [terraform_data.a]
  provisioner "local-exec" { command = "touch 'PLACE.b'; for i in $(seq 200); do sleep 0.1; done" }
}
output "instance_ip" { value = "127.0.0.1" }
"""


@pytest.fixture(params=["http", "pg"])
def remote(request: pytest.FixtureRequest) -> Backend:
    """Each backend that has the state only from the end of an apply."""
    found: Backend = request.getfixturevalue(request.param)
    return found


def slow(bench: Bench, backend: Backend, place: Path) -> None:
    """Give a bench a module whose second resource takes long, and marks at a place."""
    bench.write(**{"main.tf": MODULE.replace("BLOCK", backend.block).replace("PLACE", str(place))})
    bench.settings["backend_env"] = backend.variables


def in_doubt(environment: AnyEnvironment) -> AnyEnvironment:
    """Return the environment with an apply that was begun and has no result, as after a kill."""
    now = datetime.now(UTC)
    step = StepInHand(name="apply_infrastructure", number=5, of=8, started_at=now)
    operation = Operation(
        id=own("op"), command=CommandName.PROVISION, started_at=now, holder=Holder.current(), step=step
    )
    return environment.with_operation(operation, at=now)


async def killed(bench: Bench, place: Path) -> None:
    """Run the apply, and kill Terraform with all that it has started once `b` is being created."""
    applying = asyncio.create_task(bench.run("provision", "apply_infrastructure"))
    assert await until(Path(f"{place}.b").exists, within=60, every=0.05)
    for tool in psutil.Process().children():
        if tool.name().startswith("terraform"):
            os.killpg(tool.pid, signal.SIGKILL)
    await asyncio.gather(applying, return_exceptions=True)
    bench.environment = in_doubt(bench.environment)


async def test_a_killed_apply_is_in_doubt_and_names_what_the_backend_lacks(
    bench: Bench, remote: Backend, tmp_path: Path
) -> None:
    place = tmp_path / "made"
    slow(bench, remote, place)
    shutil.copy("/dev/null", bench.directory / "key")
    await bench.run("provision", *PLAN)
    await killed(bench, place)
    if isinstance(remote, HttpBackend):  # nobody else releases the lock of a killed holder there
        assert (await bench.probe("provision", "apply_infrastructure")).verdict is Verdict.UNKNOWN
        remote.locks.clear()

    probed = await bench.probe("provision", "apply_infrastructure")
    assert probed.verdict is Verdict.UNKNOWN
    assert "still to do" not in probed.reason
    assert "terraform_data.a (complete, id " in probed.reason
    assert "terraform_data.b (begun)" in probed.reason
    assert "terraform import 'terraform_data.a' " in probed.reason
    assert "terraform_data.a (complete" in await refused(bench, "destroy", "check_teardown")

    # A machine that has no report of the apply: it can't tell either, and says where to look.
    second = another_machine(bench, tmp_path / "machine")
    probed = await second.probe("provision", "apply_infrastructure")
    assert probed.verdict is Verdict.UNKNOWN
    assert Holder.current().host in probed.reason

    # The person takes them into the state, as the message says.
    state = remote.state()
    assert state is not None
    resources = [
        {
            "mode": "managed",
            "type": "terraform_data",
            "name": name,
            "provider": 'provider["terraform.io/builtin/terraform"]',
            "instances": [{"schema_version": 0, "attributes": {"id": name}}],
        }
        for name in "ab"
    ]
    remote.store({**state, "serial": state["serial"] + 1, "resources": resources})
    bench.write(**{"main.tf": (bench.module / "main.tf").read_text().replace("seq 200", "seq 0")})
    await bench.run("provision", "render_module")
    probed = await bench.probe("provision", "apply_infrastructure")
    assert probed.verdict is Verdict.DONE, probed.reason
    await bench.run("destroy", "check_teardown", "destroy_infrastructure", "verify_absence")


async def test_the_report_of_a_killed_apply_comes_with_the_record(
    first: Machine, make_machine: MakeMachine, shared: Shared, http: HttpBackend, tmp_path: Path
) -> None:
    place = tmp_path / "made"
    slow(first, http, place)
    await first.run("provision", *PLAN)
    await killed(first, place)
    http.locks.clear()
    shared.take()
    second = make_machine("second")
    slow(second, http, place)

    probed = await second.probe("provision", "apply_infrastructure")

    assert probed.verdict is Verdict.UNKNOWN
    assert "terraform_data.a (complete, id " in probed.reason
    assert "terraform_data.a (complete" in await refused(second, "destroy", "check_teardown")


async def cut_off_from(bench: Bench, http: HttpBackend) -> str:
    """Apply while the backend takes no state, and return the failure."""
    await bench.run("provision", *PLAN)
    http.refused = {"POST"}
    return await refused(bench, "provision", "apply_infrastructure")


async def test_a_state_that_could_not_be_saved_is_pushed_once_the_backend_is_back(
    bench: Bench, http: HttpBackend
) -> None:
    host = kept_in(bench, http)
    await cut_off_from(bench, http)
    unsaved = bench.copy / "errored.tfstate"
    assert json.loads(unsaved.read_text())["resources"]
    observed = await bench.observe()
    assert "the next provision or destroy pushes it" in observed.unseen[0]
    probed = await bench.probe("destroy", "destroy_infrastructure")
    assert probed.verdict is Verdict.UNKNOWN
    http.refused = set()
    http.locks.clear()  # the unlock came to no good end

    await bench.run("provision", *PLAN, "apply_infrastructure", "read_outputs")

    assert "0 added, 0 changed, 0 destroyed" in bench.reports, "nothing was made twice"
    assert not is_there(unsaved)
    state = http.state()
    assert state is not None
    assert bench.environment.outputs.details[SERIAL] == state["serial"]
    await bench.run("destroy", "check_teardown", "destroy_infrastructure")
    assert not is_there(host)


async def test_a_state_that_could_not_be_saved_comes_with_the_record(
    first: Machine, make_machine: MakeMachine, shared: Shared, http: HttpBackend
) -> None:
    host = kept_in(first, http)
    await cut_off_from(first, http)
    http.refused, text = set(), (first.module / "main.tf").read_text()
    http.locks.clear()
    shared.take()
    second = make_machine("second")
    second.settings = first.settings
    second.write(**{"main.tf": text})  # a machine that is made writes its own

    await second.run("provision", *PLAN, "apply_infrastructure")

    assert "0 added, 0 changed, 0 destroyed" in second.reports
    shared.take()
    await second.run("destroy", "check_teardown", "destroy_infrastructure", "verify_absence")
    assert not is_there(host)


async def test_a_state_that_does_not_follow_is_shown_with_the_command_that_pushes_it(
    bench: Bench, http: HttpBackend
) -> None:
    kept_in(bench, http)
    await cut_off_from(bench, http)
    http.refused = set()
    http.locks.clear()
    state = http.state()
    assert state is not None
    http.store({**state, "serial": 9})  # somebody else went on meanwhile

    summary = await refused(bench, "provision", "initialise")

    assert "serial 9" in summary
    assert f"run in {bench.copy}: terraform state push -lock-timeout=10s -force errored.tfstate" in summary
    assert is_there(bench.copy / "errored.tfstate")
    (bench.copy / "errored.tfstate").write_text("")
    assert "is empty: Terraform could save its state neither" in await refused(
        bench, "provision", "initialise"
    )
