"""A teardown: refused before it begins, or done with all that the module declares for it."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from environments.errors import StepFailed
from environments.model.command_name import CommandName
from environments.model.operation import Operation
from environments.model.steps import Verdict
from environments.providers.common.known_hosts import pin
from environments.providers.terraform.steps import teardown
from environments.providers.terraform.tofu.state_file import LINEAGE, PLANNED, SERIAL
from statechart.holder import Holder
from tests.operations import own
from tests.providers.terraform.conftest import USER, Bench, Sshd, make_key

TEARDOWN = ("check_teardown", "destroy_infrastructure", "verify_absence")
MODULE = """
module "net" { source = "./net" }

resource "terraform_data" "host" {
  input = "PLACE"
  lifecycle { prevent_destroy = false }
  provisioner "local-exec" {
    command = "touch '${self.input}'; echo '{\\"type\\":\\"change_summary\\",\\"changes\\":{\\"add\\":99}}'"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "rm '${self.input}'"
  }
}

output "instance_ip" { value = "127.0.0.1" }
"""


@pytest.fixture
def host(bench: Bench) -> Path:
    """A file that stands for the host, in a module that creates and destroys it."""
    make_key(bench.directory / "key")
    host = bench.directory / "host"
    (bench.module / "net").mkdir()
    bench.write(**{"main.tf": MODULE.replace("PLACE", str(host)), "net/main.tf": ""})
    return host


def is_there(path: Path) -> bool:
    return path.exists()


def begun(bench: Bench) -> None:
    """Put a teardown on record that has begun and failed."""
    now, holder = datetime.now(UTC), Holder.current("destroy")
    operation = Operation(
        id=own("op"), command=CommandName.DESTROY, started_at=now, holder=holder, effects_begun=True
    )
    bench.environment = bench.environment.with_operation(operation, at=now)


async def refused(bench: Bench, step: str = "check_teardown") -> str:
    with pytest.raises(StepFailed) as caught:
        await bench.run("destroy", step)
    return caught.value.summary


async def planned(bench: Bench) -> None:
    """Put a state in place, as a plan does."""
    version = '{"type": "version", "ui": "1.2"}'
    summary = '{"type": "change_summary", "changes": {"operation": "plan"}}'
    bench.answer(f"{version}\n{summary}")
    await bench.run("provision", "render_module", "plan_infrastructure")


async def test_a_lost_state_is_an_error_and_never_no_resource(bench: Bench) -> None:
    await planned(bench)
    state, told = json.loads(bench.state.read_text()), {}
    assert bench.environment.outputs.details == {PLANNED: True, LINEAGE: state["lineage"]}

    others = json.dumps({**state, "lineage": "another environment's"})
    for case, text in {
        "empty": "",
        "blank": "\n",
        "other": others,
        "none": "{}",
        "cut": "{",
        "list": "[]",
    }.items():
        bench.state.write_text(text)
        told[case] = await refused(bench)
        assert (await bench.observe()).unseen, case
        for command, step in (("destroy", "verify_absence"), ("provision", "apply_infrastructure")):
            assert (await bench.probe(command, step)).verdict is Verdict.UNKNOWN, (case, step)
    bench.state.unlink()
    told["gone"] = await refused(bench)
    with pytest.raises(StepFailed, match="is gone, and with it the list of the resources"):
        await bench.run("provision", "plan_infrastructure")
    assert not bench.state.exists(), "a plan begins no state in the place of a lost one"

    assert all("backup" in summary and "empty file" not in summary for summary in told.values()), told


async def test_an_earlier_version_of_the_state_is_never_no_resource(bench: Bench, host: Path) -> None:
    await bench.provision()
    latest, earlier = bench.state.read_bytes(), bench.state.with_name("terraform.tfstate.backup")
    assert json.loads(earlier.read_text())["resources"] == []

    for way in (shutil.copy, shutil.move):  # a user who lost the state finds this backup first
        way(earlier, bench.state)
        assert "is an earlier version of the state" in await refused(bench)
        assert (await bench.observe()).unseen
        assert (await bench.probe("destroy", "destroy_infrastructure")).verdict is Verdict.UNKNOWN
    bench.state.write_bytes(latest)
    await bench.run("destroy", *TEARDOWN)

    assert not is_there(host)
    assert bench.environment.outputs.details[SERIAL] is None


async def test_a_copy_without_its_list_of_files_is_not_taken_as_the_applied_module(
    bench: Bench, host: Path
) -> None:
    await bench.provision()
    manifest, main = bench.data / "build" / "module.json", bench.copy / "main.tf"
    (bench.copy / "outputs.tf").write_text('output "instance_ip" { value = "127.0.0.1" }\n')
    main.unlink()

    manifest.unlink()
    await bench.run("destroy", "check_teardown")  # by the module as it is now
    assert host.name in main.read_text()
    manifest.write_text("{")
    main.unlink()
    await bench.run("destroy", *TEARDOWN)

    assert not is_there(host)


async def test_an_environment_does_not_take_the_state_of_another(bench: Bench, tmp_path: Path) -> None:
    other = Bench(tmp_path / "other")
    await planned(other)
    state = json.loads(other.state.read_text())
    other.state.write_text(json.dumps({**state, "serial": 3}))
    bench.copy.mkdir(parents=True)
    shutil.copy(other.state, bench.state)
    with pytest.raises(StepFailed, match="it belongs to something else"):
        await planned(bench)

    bench.state.unlink()
    bench.state.symlink_to(other.state)
    with pytest.raises(StepFailed, match="is a symbolic link"):
        await planned(bench)


async def test_an_empty_state_of_an_earlier_version_is_lost_once_it_was_applied(bench: Bench) -> None:
    bench.copy.mkdir(parents=True)
    bench.state.touch()
    outputs = bench.environment.outputs.updated({"details": {PLANNED: True}})
    bench.environment = bench.environment.model_copy(update={"outputs": outputs})
    bench.answer("")
    assert "is empty" not in await refused(bench), "its apply may never have begun"

    outputs = outputs.updated({"instance_ip": "127.0.0.1"})
    bench.environment = bench.environment.model_copy(update={"outputs": outputs})
    assert "is empty, and with it the list of the resources" in await refused(bench)


async def test_a_backend_that_can_not_be_used_is_refused(bench: Bench) -> None:
    """Also where a template of the module makes the block, which no reader of the module sees."""
    await planned(bench)
    backend = bench.copy / ".terraform" / "terraform.tfstate"
    backend.parent.mkdir()
    init = f'mkdir -p .terraform; echo \'{{"backend": {{"type": "remote"}}}}\' >"{backend}"'
    bench.program("terraform", init)
    with pytest.raises(StepFailed, match="backend 'remote' has another service run"):
        await bench.run("provision", "initialise")
    assert "backend 'remote' has another service run" in await refused(bench)


@pytest.mark.e2e
async def test_a_refusal_is_found_before_the_teardown_and_the_mended_module_is_used(
    bench: Bench, host: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_LOG", "TRACE")
    sound = (bench.module / "main.tf").read_text()
    protected = sound.replace("prevent_destroy = false", "prevent_destroy = true")
    bench.write(**{"main.tf": protected})
    await bench.provision()
    assert "1 added, 0 changed, 0 destroyed" in bench.reports, "a provisioner's output is no message"

    summary = await refused(bench)
    assert "prevent_destroy" in summary
    assert (
        f"this destroy removed nothing; if the module is the reason, change it in {bench.module}" in summary
    )

    assert (await bench.probe("destroy", "check_teardown")).verdict is Verdict.NOT_DONE

    for emptied in ('output "instance_ip" { value = "127.0.0.1" }\n', ""):
        bench.write(**{"main.tf": emptied})
        assert "no longer declares terraform_data.host" in await refused(bench)
    assert (bench.copy / "main.tf").read_text() == protected, "a module that is refused is not kept"
    await bench.run("provision", "render_module")
    assert "no longer declares terraform_data.host" in await refused(bench), "it was rendered, not applied"

    bench.write(**{"main.tf": sound})
    await bench.run("destroy", *TEARDOWN)
    assert not is_there(host)


@pytest.mark.e2e
async def test_a_state_that_was_carried_alone_is_destroyed_with_its_provisioners(
    bench: Bench, host: Path, tmp_path: Path
) -> None:
    once = (bench.module / "main.tf").read_text().replace("rm '", f"mkdir '{host}.once' && exit 3; rm '")
    bench.write(**{"main.tf": once})
    await bench.provision()
    before = await bench.observe()
    state = bench.state.read_text()
    shutil.rmtree(bench.data)
    bench.copy.mkdir(parents=True)
    bench.state.write_text(state)

    bench.module.rename(tmp_path / "away")
    assert "put the module back" in await refused(bench)
    assert "put the module back" in (await bench.probe("destroy", "destroy_infrastructure")).reason
    assert is_there(host)

    (tmp_path / "away").rename(bench.module)
    bench.write(**{"main.tf": 'output "instance_ip" { value = "127.0.0.1" }\n'})
    assert "no longer declares terraform_data.host" in await refused(bench)
    assert "no longer declares terraform_data.host" in await refused(bench), "now its copy is there"
    bench.write(**{"main.tf": once})
    await bench.run("destroy", "check_teardown")
    assert (await bench.observe()).altered == before.altered == ()
    assert (await bench.probe("destroy", "destroy_infrastructure")).verdict is Verdict.NOT_DONE
    assert (bench.copy / "main.tf").is_file()
    bench.module.rename(tmp_path / "away")  # not needed: the copy is whole again
    shutil.rmtree(bench.copy / ".terraform")
    await bench.run("destroy", "check_teardown")
    assert "local-exec provisioner error" in await refused(bench, "destroy_infrastructure")
    begun(bench)
    await bench.run("destroy", *TEARDOWN)
    assert not is_there(host)


@pytest.mark.e2e
async def test_a_destroy_time_provisioner_that_failed_runs_again_and_can_be_mended(
    bench: Bench, host: Path
) -> None:
    sound = (bench.module / "main.tf").read_text()
    bench.write(**{"main.tf": sound.replace("rm '", "rm -- '/nowhere'; exit 3; '")})
    await bench.provision()
    assert "local-exec provisioner error" in await refused(bench, "destroy_infrastructure")
    assert (await bench.probe("destroy", "verify_absence")).verdict is Verdict.NOT_DONE

    bench.write(**{"main.tf": sound})
    assert (await bench.probe("destroy", "check_teardown")).verdict is Verdict.DONE
    begun(bench)
    assert (await bench.probe("destroy", "check_teardown")).verdict is Verdict.NOT_DONE
    await bench.run("destroy", *TEARDOWN)
    assert not is_there(host)


@pytest.mark.e2e
async def test_a_host_of_a_module_that_manages_nothing_is_left_alone(bench: Bench) -> None:
    await bench.provision()
    outputs = bench.environment.outputs
    assert (outputs.instance_ip, outputs.owned) == ("127.0.0.1", False)
    found = await bench.observe()
    assert found.resources
    steps = [step.name for step in bench.spec.steps(CommandName.DESTROY, bench.environment)]
    assert steps == ["stop_service", "clean_up"]

    # An environment of an earlier version, which did not ask who made the host.
    bench.environment = bench.environment.model_copy(update={"outputs": outputs.updated({"owned": True})})
    assert (await bench.observe()).resources


async def test_a_host_that_the_module_only_uses_may_go_on_answering(
    bench: Bench, host: Path, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teardown, "_VANISHING", 0.0)
    bench.settings["ssh"] = {"key": sshd.key, "port": sshd.port, "user": USER}
    await bench.provision()
    known_hosts = bench.data / "build" / "ssh" / "known_hosts"
    known_hosts.parent.mkdir()
    pin(known_hosts, "127.0.0.1", sshd.port, sshd.host_key)
    await bench.run("destroy", "check_teardown", "destroy_infrastructure")
    assert f"remove its line from {known_hosts}" in await refused(bench, "verify_absence")

    known_hosts.write_text("")
    await bench.run("destroy", "verify_absence")

    assert not is_there(host)
