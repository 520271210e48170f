"""A second version and a rollback on real hosts, including a registered host."""

from __future__ import annotations

import pytest

from tests.e2e.machine import Machine
from tests.e2e.project import Project

pytestmark = pytest.mark.e2e


@pytest.mark.usefixtures("no_playbook")
@pytest.mark.parametrize("kind", ["project", "systemd_project"], ids=["daemon", "systemd"])
def test_a_second_version_is_served_after_run_and_can_be_rolled_back(
    kind: str, request: pytest.FixtureRequest
) -> None:
    project: Project = request.getfixturevalue(kind)
    project.create()
    first = project.envchart("up", "web").document["outputs"]["serving"]

    (project.app / "version.txt").write_text("2.0\n")
    released = project.envchart("release", "web").document["outputs"]
    assert (released["serving"], released["release"] == first) == (first, False)
    assert "2.0" not in project.page(), "the old one serves on until it is run"
    assert project.envchart("run", "web").document["outputs"]["previous"] == first
    assert "2.0" in project.page()

    project.envchart("release", "web", "--previous")
    assert project.envchart("run", "web").document["outputs"]["serving"] == first
    assert "2.0" not in project.page()
    project.envchart("destroy", "web", "--yes")
    assert project.machine_status() == "absent"


def test_a_registered_host_is_used_and_left_alone(project: Project) -> None:
    project.create()
    machine = project.machine
    machine.create("198.18.7.2")
    machine.await_ssh()

    registered = project.envchart("register", "web", "--address", machine.address).document
    assert (registered["state"], registered["outputs"]["owned"]) == ("provisioned", False)
    project.envchart("up", "web")
    assert "<h1>Hello</h1>" in project.page()
    assert project.envchart("drift", "web").document["drift"] is False

    ended = project.envchart("destroy", "web", "--yes")
    assert "was not made here, and is left alone" in ended.err
    assert machine.status() == "running"
    assert machine.on_host("ls /opt") == ""
    assert project.envchart("drift", "web").document["drift"] is False


def test_a_host_that_rejects_the_key_is_not_registered(project: Project, machine: Machine) -> None:
    project.create()
    machine.create("198.18.7.6")
    machine.await_ssh()  # it lets another key in

    ended = project.envchart("register", "web", "--address", machine.address, check=6)

    assert "does not let the key" in ended.document["error"]["message"]
    shown = project.envchart("show", "web").document
    assert (shown["state"], shown["failure"]["cause"]) == ("created", "authentication")
    assert shown["condition"] == "created (register failed at reach_host)"


@pytest.mark.usefixtures("no_playbook")
def test_a_service_that_listens_only_on_loopback_is_recognised(project: Project) -> None:
    program = (project.app / "app.py").read_text()
    (project.app / "app.py").write_text(
        program.replace('os.environ.get("HOST", "127.0.0.1")', '"127.0.0.1"')
    )
    project.provider["service"] = {"start_timeout": 5}
    project.create()

    ended = project.envchart("up", "web", check=6)

    assert "answers on the host itself but not from here" in ended.document["error"]["message"]
    assert project.envchart("show", "web").document["state"] == "run_failed"
    project.envchart("destroy", "web", "--yes")


def test_a_user_with_sudo_can_run_an_environment(systemd_project: Project) -> None:
    project = systemd_project
    project.user = "deploy"
    project.provider["ssh"] = {"user": "deploy", "key": "keys/id", "become": True}
    project.create()
    project.envchart("up", "web")

    assert "<h1>Hello</h1>" in project.page()
    assert project.on_host("systemctl show -P User envchart-web.service") == "deploy"
    assert project.on_host("systemctl is-enabled envchart-web.service") == "enabled"
    project.envchart("stop", "web")
    assert not project.answer()
    assert "envchart-web.service" not in project.on_host(
        "ls /etc/systemd/system /etc/systemd/system/*.wants"
    )
    project.envchart("start", "web")
    assert project.on_host("systemctl is-enabled envchart-web.service") == "enabled"
    project.envchart("destroy", "web", "--yes")
    assert project.machine_status() == "absent"
