"""Environments on real hosts are brought up and destroyed with the envchart command."""

from __future__ import annotations

import pytest

from tests.e2e.machine import await_that
from tests.e2e.project import Project

pytestmark = pytest.mark.e2e


def test_an_environment_comes_up_on_a_host_and_goes_away(project: Project) -> None:
    project.create()
    project.envchart("up", "web")

    assert project.machine_status() == "running"
    assert project.on_host("cat /etc/hello.conf") == "greeting=hello"
    assert "<h1>Hello</h1>" in project.page()

    project.envchart("destroy", "web", "--yes")

    assert project.machine_status() == "absent"


def test_an_environment_comes_up_on_a_host_with_cloud_init(systemd_project: Project) -> None:
    project = systemd_project
    project.variables["user_data"] = "#cloud-config\nruncmd: [touch /etc/made-by-cloud-init]"
    project.create()
    project.envchart("up", "web")

    assert project.on_host("ls /etc/made-by-cloud-init") == "/etc/made-by-cloud-init"
    assert "<h1>Hello</h1>" in project.page()

    project.envchart("destroy", "web", "--yes")

    assert project.machine_status() == "absent"


@pytest.mark.usefixtures("no_playbook")
def test_a_killed_service_and_a_deleted_host_are_repaired(project: Project) -> None:
    project.create()
    project.envchart("up", "web")

    project.kill_service()
    await_that(lambda: not project.answer())
    project.envchart("release", "web")
    project.envchart("run", "web")
    assert "<h1>Hello</h1>" in project.page()

    project.delete_machine_behind_its_back()
    assert project.machine_status() == "stopped"
    project.envchart("destroy", "web", "--yes")
    assert project.machine_status() == "absent"


def test_an_environment_comes_up_as_a_user_without_root(project: Project) -> None:
    project.user = "deploy"
    project.provider["service"] = {"directory": "/home/deploy", "settle": 0.2}
    project.create()
    project.envchart("up", "web")

    assert "<h1>" in project.page()
    assert project.on_host("pgrep --uid deploy --count python3") == "1"

    project.envchart("destroy", "web", "--yes")
