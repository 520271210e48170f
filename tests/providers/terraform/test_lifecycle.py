"""The whole lifecycle on a host that Terraform creates and Ansible configures over SSH."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from environments import CommandFailed, Provisioned, Running
from environments.model.failure import FailureCause
from environments.model.observation import ServiceState
from tests.providers.terraform.conftest import PLAYBOOK, Project

pytestmark = pytest.mark.e2e


def said_by(project: Project) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{project.port}/") as answer:
        return str(answer.read().decode())


async def up(project: Project, **changes: Any) -> Any:
    project.workspace.create(project.spec(**changes))
    return await project.workspace.bring("web", to=Running)


async def test_an_environment_is_released_rolled_back_and_destroyed(project: Project) -> None:
    workspace = project.workspace
    running = await up(project)
    assert said_by(project) == "one"
    assert (project.directory / "settings").read_text() == "greeting=hello\n"

    project.write_app("two")
    await workspace.run(await workspace.release(running))
    assert said_by(project) == "two"

    await workspace.release("web", previous=True)
    back = await workspace.run("web")
    assert said_by(project) == "one"
    assert back.outputs.serving == running.outputs.serving

    destroyed = await workspace.destroy("web")
    assert destroyed.outputs.instance_ip is None
    assert not (project.data / "web" / "build").exists()
    with pytest.raises(OSError, match=r"refused|reset|closed"):
        said_by(project)


async def test_repeating_a_command_does_not_change_the_host(project: Project) -> None:
    await up(project)
    notes = {
        entry.record.result.name: entry.record.result.note
        for entry in project.workspace.history("web")
        if getattr(entry.record, "result", None) is not None
    }
    assert notes["plan_infrastructure"] == "2 to add, 0 to change, 0 to destroy"
    assert notes["apply_infrastructure"] == "2 added, 0 changed, 0 destroyed"
    assert notes["run_playbook"] == "1 changed: write the settings"

    again = await project.workspace.release("web")
    running = await project.workspace.run("web")

    assert again.outputs.release == running.outputs.serving
    await project.workspace.destroy("web")


async def test_observe_reports_host_service_and_release(project: Project) -> None:
    task = f"    - {{name: migrate, shell: echo x >>'{project.directory}/ran', check_mode: false}}\n"
    (project.directory / "site.yml").write_text(PLAYBOOK + task)
    environment = await up(project)
    provider, directory = environment.spec.provider, project.workspace.directory("web")

    found = await provider.observe(environment, directory)
    assert (found.resources, found.service) == (True, ServiceState.UP)
    assert (project.directory / "ran").read_text() == "x\n", "looking runs no task"
    said = "the configuration: migrate: not run by a check, although it says check_mode: false"
    assert (found.configuration, found.unseen) == ((), (said,))
    assert found.serving == environment.outputs.serving

    service(project).kill()
    found = await provider.observe(environment, directory)
    assert (found.service, found.serving) == (ServiceState.DOWN, None)

    project.sshd.stop()
    found = await provider.observe(environment, directory)
    assert "can't be reached" in found.detail
    project.sshd.start()
    await project.workspace.destroy("web")


def service(project: Project) -> psutil.Process:
    for process in psutil.process_iter():
        try:
            if process.environ().get("PORT") == str(project.port):
                return process
        except psutil.Error:
            continue
    raise AssertionError("no service runs")


async def test_a_failed_apply_reports_the_error_of_terraform_and_can_be_retried(project: Project) -> None:
    broken = {"host_key": project.sshd.host_key, "broken": True}
    workspace = project.workspace
    workspace.create(project.spec(variables=broken))
    with pytest.raises(CommandFailed) as caught:
        await workspace.provision("web")
    failure = caught.value.failure
    assert (failure.step, failure.cause) == ("apply_infrastructure", FailureCause.INFRASTRUCTURE)
    assert "terraform_data.host: local-exec provisioner error" in failure.summary

    (project.directory / "module" / "main.tf.j2").write_text(
        (project.directory / "module" / "main.tf.j2").read_text().replace("exit 3", "exit 0")
    )
    assert isinstance((await workspace.retry("web")).state, Provisioned)
    await workspace.destroy("web")


async def test_a_service_that_exits_is_not_running(project: Project) -> None:
    project.workspace.create(project.spec(playbook=None))
    (project.directory / "app" / "app.py").write_text(
        "print('no database', flush=True); raise SystemExit(1)"
    )
    with pytest.raises(CommandFailed) as caught:
        await project.workspace.bring("web", to=Running)

    assert caught.value.failure.step == "check_health"
    assert "it said last: no database" in caught.value.failure.summary
    assert caught.value.environment.state.name == "run_failed"
    await project.workspace.destroy("web")


async def test_destroy_leaves_a_registered_host_alone(project: Project) -> None:
    workspace = project.workspace
    workspace.create(project.spec())
    provisioned = await workspace.register("web", address="127.0.0.1")
    assert not provisioned.outputs.owned
    await workspace.bring("web", to=Running)
    assert said_by(project) == "one"

    await workspace.destroy("web")

    notes = [
        entry.record.result.note
        for entry in workspace.history("web")
        if getattr(entry.record, "result", None) is not None and entry.record.result.name == "stop_service"
    ]
    assert notes == ["stopped; the host at 127.0.0.1 was not made here, and is left alone"]
    assert not (project.directory / "opt" / "envchart-web").exists()


async def test_after_a_failed_register_the_state_is_created(project: Project) -> None:
    workspace = project.workspace
    workspace.create(project.spec(timeouts={"ssh": 0.5}))
    project.sshd.stop()
    with pytest.raises(CommandFailed) as caught:
        await workspace.register("web", address="127.0.0.1")

    on_record = workspace.load("web")
    assert caught.value.failure.cause is FailureCause.TIMEOUT
    assert (on_record.state.name, on_record.condition) == (
        "created",
        "created (register failed at reach_host)",
    )
    project.sshd.start()
    assert isinstance((await workspace.retry("web")).state, Provisioned)
    await workspace.destroy("web")


async def test_destroy_fails_without_the_terraform_state(project: Project) -> None:
    workspace = project.workspace
    workspace.create(project.spec())
    await workspace.provision("web")
    state = project.data / "web" / "build" / "terraform" / "terraform.tfstate"
    kept = state.read_text()
    state.unlink()

    with pytest.raises(CommandFailed) as caught:
        await workspace.destroy("web")
    assert "put it back from a backup" in caught.value.failure.summary
    assert caught.value.environment.state.name == "provisioned"

    state.write_text(kept)
    assert (await workspace.destroy("web")).state.name == "destroyed"


async def test_destroy_needs_no_terraform_if_no_resource_was_created(
    project: Project, tmp_path: Path
) -> None:
    project.workspace.create(project.spec())
    (project.directory / "module").rename(tmp_path / "elsewhere")

    assert (await project.workspace.destroy("web")).state.name == "destroyed"
