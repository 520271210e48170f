"""Changes behind an environment's back are detected, reported, recorded on request, and repaired."""

from __future__ import annotations

import subprocess

import pytest

from tests.e2e.machine import await_that
from tests.e2e.project import Ended, Project

pytestmark = pytest.mark.e2e


@pytest.fixture
def configured(project: Project) -> Project:
    """A project whose environment is up."""
    project.create()
    project.envchart("up", "web")
    return project


@pytest.fixture
def up(no_playbook: None, configured: Project) -> Project:
    """A project whose environment is up, without a playbook."""
    return configured


def findings(ended: Ended) -> list[tuple[str, str | None]]:
    (told,) = ended.document["environments"]
    return [(each["kind"], each["event"]) for each in told["findings"]]


def drift(project: Project, *words: str, check: int = 8) -> list[tuple[str, str | None]]:
    return findings(project.envchart("drift", "web", *words, check=check))


def in_machine(project: Project, *words: str) -> None:
    """Run a command in a machine, without SSH."""
    machine = project.machine
    subprocess.run(["nsenter", "--all", "--target", str(machine.pid), *words], check=True)


def test_an_environment_as_recorded_has_no_drift(configured: Project) -> None:
    before = configured.envchart("history", "web").out

    assert drift(configured, check=0) == []

    assert configured.envchart("history", "web").out == before


def test_a_killed_service_is_detected_recorded_and_restarted(up: Project) -> None:
    up.kill_service()

    assert drift(up) == [("service_down", "fail")]
    assert drift(up, "--apply") == [("service_down", "fail")]
    shown = up.envchart("show", "web").document
    assert (shown["state"], shown["outputs"]["serving"]) == ("run_failed", None)

    up.envchart("retry", "web")
    assert "<h1>Hello</h1>" in up.page()
    assert drift(up, check=0) == []


def test_another_program_on_the_port_is_not_mistaken_for_the_service(up: Project) -> None:
    up.kill_service()
    up.on_host("cd / && setsid -f python3 -m http.server 8080 >/dev/null 2>&1 </dev/null")
    await_that(lambda: "Directory" in up.answer())

    assert drift(up) == [("service_foreign", "fail")]
    up.envchart("drift", "web", "--apply", check=8)
    ended = up.envchart("retry", "web", check=6)
    assert "port 8080 is in use by another program" in ended.document["error"]["message"]


@pytest.mark.usefixtures("no_playbook")
def test_a_release_started_by_hand_is_detected(systemd_project: Project) -> None:
    project = systemd_project
    project.create()
    first = project.envchart("up", "web").document["outputs"]["serving"]
    (project.app / "version.txt").write_text("2.0\n")
    project.envchart("release", "web")
    second = project.envchart("run", "web").document["outputs"]["serving"]

    unit = "/etc/systemd/system/envchart-web.service"
    project.on_host(f"sed -i s/{second}/{first}/ {unit} && systemctl daemon-reload")
    project.on_host("systemctl restart envchart-web")
    await_that(lambda: "<h1>" in project.answer())
    assert "2.0" not in project.page()

    assert drift(project, "--apply") == [("other_release", "fail")]
    assert project.envchart("show", "web").document["outputs"]["serving"] == first
    project.envchart("retry", "web")
    assert "2.0" in project.page()
    assert drift(project, check=0) == []


def test_a_deleted_host_is_detected_and_only_destroy_is_possible(up: Project) -> None:
    up.delete_machine_behind_its_back()

    ended = up.envchart("drift", "web", "--apply", check=8)

    assert findings(ended) == [("host_gone", "fail")]
    assert "destroy web" in ended.document["environments"][0]["findings"][0]["next"]
    assert up.envchart("show", "web").document["failure"]["cause"] == "infrastructure"
    up.envchart("destroy", "web", "--yes")
    assert up.machine_status() == "absent"


def test_a_host_without_network_is_unreachable_not_gone(up: Project) -> None:
    def link(state: str) -> None:
        subprocess.run(["ip", "-n", up.machine.name, "link", "set", "eth0", state], check=True)

    link("down")
    assert drift(up) == [("host_unreachable", "fail")]
    link("up")
    await_that(lambda: "<h1>" in up.answer())
    assert drift(up, check=0) == []


@pytest.mark.usefixtures("no_playbook")
def test_a_host_without_its_ssh_server_is_half_dead(systemd_project: Project) -> None:
    project = systemd_project
    project.create()
    project.envchart("up", "web")
    in_machine(project, "systemctl", "stop", "ssh.service")

    assert drift(project) == [("host_half_dead", "fail")]

    in_machine(project, "systemctl", "start", "ssh.service")
    assert drift(project, check=0) == []


def test_a_host_with_another_key_is_not_trusted(up: Project) -> None:
    up.on_host("ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/other")
    up.on_host("sed -i 's#^HostKey .*#HostKey /etc/ssh/other#' /etc/ssh/sshd_config && kill -HUP 1")
    await_that(lambda: up.machine.ssh("true").returncode != 0)

    assert drift(up) == [("host_strange", "fail")]


def test_changed_settings_are_detected_by_the_playbook(configured: Project) -> None:
    configured.on_host("echo greeting=goodbye >/etc/hello.conf")

    ended = configured.envchart("drift", "web", "--apply", check=8)

    assert findings(ended) == [("configuration_changed", None)]
    assert "write the settings" in ended.document["environments"][0]["findings"][0]["what"]
    assert configured.envchart("show", "web").document["state"] == "running"
    assert configured.on_host("cat /etc/hello.conf") == "greeting=goodbye", "looking mends nothing"


def test_drift_checks_all_environments_at_once(up: Project) -> None:
    up.kill_service()
    other = Project(up.directory, up.state_dir, up.base, name="other", provider=up.provider)
    other.create()

    told = up.envchart("drift", "--all", check=8).document

    assert {each["name"]: len(each["findings"]) for each in told["environments"]} == {"other": 0, "web": 1}
