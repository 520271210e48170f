"""Failures during creation and destruction of real hosts are recorded and can be continued after."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress

import psutil
import pytest

from tests.e2e.machine import PAUSE, await_that, end_pauses
from tests.e2e.project import Project

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("hangups_heeded")]


@pytest.fixture
def slow(no_playbook: None, project: Project) -> Project:
    """A project whose machine takes a long time to create."""
    project.environ = {"MACHINE_PAUSE_AT": "boot", "MACHINE_PAUSE": PAUSE}
    project.create()
    return project


def begin(project: Project) -> subprocess.Popen[str]:
    """Start provision, and return once the machine is being created."""
    process = project.start("provision", "web")
    assert process.stderr is not None
    for line in process.stderr:
        if "terraform_data.machine: create begun" in line:
            await_that(lambda: project.machine_status() == "stopped")  # on record, and not up yet
            return process
    raise AssertionError("it ended before it began")


def tools(project: Project) -> list[str]:
    """Return the names of the tools that run for a project, without its machine."""
    found = []
    for process in project._processes():
        with suppress(psutil.Error):
            if "ENVCHART_OPERATION" in process.environ():
                found.append(process.name())
    return found


def goes_on(project: Project) -> None:
    """Check that the environment can be retried, brought up and destroyed."""
    project.environ = {}
    assert project.envchart("retry", "web").document["state"] == "provisioned"
    project.envchart("up", "web")
    assert "<h1>Hello</h1>" in project.page()
    project.envchart("destroy", "web", "--yes")
    assert project.machine_status() == "absent"


@pytest.mark.usefixtures("no_playbook")
def test_a_failed_apply_can_be_retried(project: Project) -> None:
    project.environ = {"MACHINE_FAIL_AT": "boot"}
    project.create()

    error = project.envchart("provision", "web", check=6).document["error"]

    assert "terraform_data.machine: local-exec provisioner error" in error["message"]
    assert "(infrastructure)" in error["message"]
    goes_on(project)


# The other signals are sent to an apply on loopback, in tests/providers/terraform.
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_during_apply_is_recorded(slow: Project, presses: int) -> None:
    process = begin(slow)
    assert process.stderr is not None
    for _ in range(presses - 1):
        process.send_signal(signal.SIGINT)
        assert any("press Ctrl-C again" in line for line in process.stderr)  # two at once would be one
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()

    assert process.returncode == 130, out + err
    assert tools(slow) == []
    shown = slow.envchart("show", "web").document
    assert (shown["state"], shown["failure"]["cause"]) == ("provision_failed", "cancelled")
    goes_on(slow)


def test_a_controller_killed_during_apply_can_be_recovered(slow: Project) -> None:
    process = begin(slow)
    process.kill()
    process.communicate()
    assert tools(slow) != [], "Terraform goes on without its controller"
    slow.envchart("retry", "web", check=9)

    recovered = slow.envchart("recover", "web").document

    assert any("still ran, and was ended" in finding for finding in recovered["recovery"]["findings"])
    assert recovered["state"] == "provision_failed"
    assert tools(slow) == []
    goes_on(slow)


@pytest.mark.usefixtures("no_playbook")
def test_an_apply_that_succeeds_after_its_controller_died_counts_as_done(project: Project) -> None:
    project.environ = {"MACHINE_PAUSE_AT": "boot", "MACHINE_PAUSE": PAUSE}
    project.create()
    process = begin(project)
    process.kill()
    process.communicate()
    await_that(lambda: end_pauses(project._processes()))
    await_that(lambda: tools(project) == [])
    assert project.machine_status() == "running", "Terraform was not ended by its controller's death"
    project.environ = {}

    recovered = project.envchart("recover", "web").document

    findings = recovered["recovery"]["findings"]
    assert any("apply_infrastructure: done, its probe says" in each for each in findings), findings
    goes_on(project)


def test_destroy_replaces_a_killed_controller(slow: Project) -> None:
    process = begin(slow)
    process.kill()
    process.communicate()

    slow.environ = {}
    slow.envchart("destroy", "web", "--yes")

    assert slow.machine_status() == "absent"
    assert tools(slow) == []


@pytest.mark.usefixtures("no_playbook")
def test_after_a_failed_destroy_only_destroy_is_possible(project: Project) -> None:
    project.create()
    project.envchart("up", "web")
    project.environ = {"MACHINE_FAIL_AT": "destroy"}

    project.envchart("destroy", "web", "--yes", check=6)

    shown = project.envchart("show", "web").document
    assert "destroy failed at destroy_infrastructure: partly torn down" in shown["condition"]
    assert (shown["is_error"], shown["state"]) == (True, "running")
    project.envchart("release", "web", check=4)
    project.envchart("drift", "web", check=4)
    project.environ = {}
    project.envchart("destroy", "web", "--yes")
    assert project.machine_status() == "absent"


def test_destroy_fails_while_the_host_still_answers(project: Project) -> None:
    module = project.directory / "terraform" / "main.tf"
    module.write_text(module.read_text().replace('exec \\"$PROGRAM\\" destroy', 'true \\"$PROGRAM\\"'))
    project.create()
    project.envchart("provision", "web")

    error = project.envchart("destroy", "web", "--yes", check=6).document["error"]

    assert "but the host at 198.1" in error["message"]
    assert "still answers" in error["message"]
    assert project.machine_status() == "running"
    project.machine.destroy()
    assert project.envchart("destroy", "web", "--yes").document["state"] == "destroyed"


def test_destroy_fails_without_the_build_directory(project: Project) -> None:
    project.create()
    project.envchart("provision", "web")
    build = project.data / "web" / "build"
    build.rename(build.with_name("elsewhere"))

    error = project.envchart("destroy", "web", "--yes", check=6).document["error"]

    assert "put it back from a backup" in error["message"]
    assert project.envchart("show", "web").document["state"] == "provisioned"
    build.with_name("elsewhere").rename(build)
    project.envchart("destroy", "web", "--yes")
    assert project.machine_status() == "absent"


def test_secrets_reach_the_tools_but_no_stored_file(project: Project) -> None:
    secret = "hunter2-is-a-long-secret"
    project.environ = {"GREETING_SECRET": secret}
    project.provider["playbook_variables"] = {"greeting": {"env": "GREETING_SECRET"}}
    project.provider["service"] = {"env": {"GREETING": {"env": "GREETING_SECRET"}}, "settle": 0.2}
    project.create()
    ended = project.envchart("up", "web")

    assert secret in project.page()
    assert secret in project.on_host("cat /etc/hello.conf")
    kept = [
        each for each in project.data.rglob("*") if each.is_file() and secret.encode() in each.read_bytes()
    ]
    assert kept == []
    assert secret not in ended.out + ended.err + project.envchart("history", "web").out
    project.envchart("destroy", "web", "--yes")
