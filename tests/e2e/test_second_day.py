"""The second day of an environment on a real host: it is changed, deployed to, stopped and replaced."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.machine import await_that
from tests.e2e.project import Project

# Several environments would cost a minute each: one is used for all.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]

NOTE = """
variable "note" { default = "first" }
resource "terraform_data" "note" { input = var.note }
"""


def test_the_second_day_of_an_environment(project: Project) -> None:
    (project.directory / "terraform" / "note.tf").write_text(NOTE)
    project.provider["outputs"] = {}  # so that the host's key is pinned when it is first seen
    project.create()
    project.envchart("up", "web")

    # One environment for all, since each apply takes seconds.
    for change in (
        a_variable_is_changed_in_place,
        a_playbook_is_changed,
        a_version_is_deployed_and_a_broken_one_rolled_back,
        a_killed_service_is_started,
        a_service_is_stopped_started_and_restarted,
        a_variable_that_replaces_the_host_is_refused,
        the_host_is_replaced_when_that_is_allowed,
        a_deleted_host_is_created_again,
    ):
        change(project)
    project.envchart("destroy", "web", "--yes")
    assert project.machine_status() == "absent"


def main_pid(project: Project) -> int:
    return int(project.service()["pid"])


def a_variable_is_changed_in_place(project: Project) -> None:
    pid = main_pid(project)
    project.envchart("update", "web", "--set", "provider.variables.note=second")

    project.envchart("provision", "web")

    shown = project.envchart("show", "web").document
    assert (shown["state"], main_pid(project)) == ("provisioned", pid)
    assert shown["outputs"]["serving"] == shown["outputs"]["release"]
    project.envchart("up", "web")
    assert project.envchart("drift", "web").document["drift"] is False


def a_playbook_is_changed(project: Project) -> None:
    playbook = project.directory / "site.yml"
    playbook.write_text(playbook.read_text().replace("greeting=", "greeted="))

    told = project.envchart("up", "web").err

    assert "site.yml" in told
    assert project.on_host("cat /etc/hello.conf") == "greeted=hello"
    assert "<h1>Hello</h1>" in project.page()


def a_version_is_deployed_and_a_broken_one_rolled_back(project: Project) -> None:
    first = project.envchart("show", "web").document["outputs"]["serving"]
    (project.app / "version.txt").write_text("2.0\n")
    second = project.envchart("deploy", "web").document["outputs"]
    assert (second["previous"], "2.0" in project.page()) == (first, True)

    app = (project.app / "app.py").read_text()
    (project.app / "app.py").write_text("raise SystemExit('broken')\n")
    failed = project.envchart("deploy", "web", check=6)
    assert "broken" in failed.document["error"]["message"]
    assert f"release {second['serving']} stopped, before" in failed.err

    back = project.envchart("deploy", "web", "--previous").document["outputs"]
    assert (back["serving"], "2.0" in project.page()) == (second["serving"], True)
    (project.app / "app.py").write_text(app)
    project.envchart("deploy", "web")


def a_killed_service_is_started(project: Project) -> None:
    project.kill_service()
    await_that(lambda: not project.answer())

    project.envchart("up", "web")

    assert "<h1>Hello</h1>" in project.page()


def a_service_is_stopped_started_and_restarted(project: Project) -> None:
    assert project.envchart("stop", "web").document["outputs"]["serving"] is None
    assert not project.answer()
    assert project.envchart("drift", "web").document["drift"] is False

    project.envchart("start", "web")
    pid = main_pid(project)
    assert "its service is restarted" in project.envchart("restart", "web").err
    assert ("<h1>Hello</h1>" in project.page(), main_pid(project) == pid) == (True, False)


def a_variable_that_replaces_the_host_is_refused(project: Project) -> None:
    pid = main_pid(project)
    project.envchart("update", "web", "--set", 'provider.variables.user_data="# larger"')

    refused = project.envchart("provision", "web", check=6).document["error"]["message"]

    assert (
        "would replace terraform_data.machine, the host (forced by triggers_replace.user_data)" in refused
    )
    assert "envchart provision web --allow-replace" in refused
    assert (main_pid(project), project.envchart("show", "web").document["state"]) == (
        pid,
        "provision_failed",
    )
    assert not (project.data / "web" / "build" / "provision.tfplan").exists()


def the_host_is_replaced_when_that_is_allowed(project: Project) -> None:
    host_key = project.keys.host
    host_key.unlink()
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(host_key)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)

    replaced = project.envchart("provision", "web", "--allow-replace").document["outputs"]

    assert (replaced["release"], replaced["serving"], replaced["previous"]) == (None, None, None)
    assert project.envchart("up", "web", "--allow-replace").document["state"] == "running"
    assert "<h1>Hello</h1>" in project.page()


def a_deleted_host_is_created_again(project: Project) -> None:
    project.delete_machine_behind_its_back()

    gone = project.envchart("up", "web", check=None).document["error"]
    assert any("destroy" in step or "--recreate" in step for step in gone["next"])
    project.envchart("up", "web", "--recreate")
    assert "<h1>Hello</h1>" in project.page()
