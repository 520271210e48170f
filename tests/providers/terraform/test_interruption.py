"""Signals and crashes during an apply, and how the environment continues."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import psutil
import pytest

from environments import Provisioned
from environments.system.waiting import block_until
from tests.providers.terraform.conftest import Project

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("hangups_heeded")]


@pytest.fixture
def slow(project: Project) -> Project:
    variables = {"host_key": project.sshd.host_key, "delay": 600}
    project.workspace.create(project.spec(variables=variables))
    return project


def begin_to_apply(project: Project) -> subprocess.Popen[str]:
    """Start provision, and return once Terraform creates the host."""
    process = subprocess.Popen(
        project.command("provision", "web"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "create begun" in line:
            return process
    raise AssertionError("it ended before it began")


def tools(project: Project) -> list[psutil.Process]:
    """Return the running tools whose working directory is in a project."""
    found = []
    for process in psutil.process_iter():
        try:
            marked = "ENVCHART_OPERATION" in process.environ() and process.status() != psutil.STATUS_ZOMBIE
            if marked and process.cwd().startswith(str(project.directory)):
                found.append(process)
        except psutil.Error:
            continue
    return found


async def goes_on(project: Project) -> None:
    """Check that the environment can be retried and destroyed."""
    module = project.directory / "module" / "main.tf.j2"
    module.write_text(module.read_text().replace("sleep ${var.delay}", "sleep 0"))
    assert isinstance((await project.workspace.retry("web")).state, Provisioned)
    await project.workspace.destroy("web")


@pytest.mark.parametrize(
    ("signals", "code"),
    [
        ([signal.SIGINT], 130),
        ([signal.SIGINT, signal.SIGINT], 130),
        ([signal.SIGTERM], 143),
        ([signal.SIGHUP], 129),
    ],
    ids=["one Ctrl-C", "two", "TERM", "HUP"],
)
def test_a_signal_stops_terraform_and_is_recorded(
    slow: Project, signals: list[signal.Signals], code: int
) -> None:
    process = begin_to_apply(slow)
    assert process.stderr is not None
    for number in signals[:-1]:
        process.send_signal(number)
        assert any("press Ctrl-C again" in line for line in process.stderr)  # two at once would be one
    process.send_signal(signals[-1])
    _, said = process.communicate(timeout=120)  # the host would take longer

    assert process.returncode == code, said
    assert tools(slow) == []
    on_record = slow.workspace.load("web")
    assert on_record.state.name == "provision_failed"
    assert on_record.failure is not None
    assert on_record.failure.cause == "cancelled"
    asyncio.run(goes_on(slow))


async def test_a_killed_controller_can_be_recovered(slow: Project) -> None:
    process = begin_to_apply(slow)
    process.kill()
    process.communicate()
    assert tools(slow) != [], "Terraform goes on without its controller"

    recovered = await slow.workspace.recover("web")

    assert tools(slow) == []
    assert recovered.settled
    assert recovered.environment.state.name == "provision_failed"
    assert any("still ran, and was ended" in finding for finding in recovered.findings)
    await goes_on(slow)


PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - {name: begin, shell: "echo x >>'{{ ran }}'", check_mode: false}
    - {name: go on, command: sleep 120}
"""


def test_a_dry_run_after_a_killed_configure_runs_and_ends_nothing(project: Project) -> None:
    ran, workspace = project.directory / "ran", project.workspace
    (project.directory / "site.yml").write_text(PLAYBOOK)
    variables = {"ran": str(ran), "ansible_python_interpreter": sys.executable}
    workspace.create(project.spec(playbook_variables=variables))
    asyncio.run(workspace.register("web", address="127.0.0.1"))
    process = subprocess.Popen(project.command("configure", "web"), stderr=subprocess.DEVNULL)
    assert block_until(ran.is_file, within=60, every=0.05)
    process.kill()
    process.wait()
    assert [*(project.data / "web" / "build" / "ansible").glob("variables*")] != []

    would_be = asyncio.run(workspace.recover("web", dry_run=True))
    assert would_be.environment.state.name == "configure_failed"
    assert any("would be ended" in finding for finding in would_be.findings)
    assert tools(project) != []

    assert asyncio.run(workspace.recover("web")).environment.state.name == "configure_failed"
    assert (tools(project), ran.read_text()) == ([], "x\n")
    left = [*(project.data / "web" / "build" / "ansible").glob("variables*")]
    assert left == [], "the killed command had left the variables, which may hold secrets"
    asyncio.run(workspace.destroy("web"))


async def test_destroy_replaces_a_killed_controller(slow: Project) -> None:
    process = begin_to_apply(slow)
    process.kill()
    process.communicate()

    assert (await slow.workspace.destroy("web")).state.name == "destroyed"
    assert tools(slow) == []
