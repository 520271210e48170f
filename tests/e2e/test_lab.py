"""The lab of the end-to-end tests: isolation, and creation and destruction of machines."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.lab import Lab, LabError, check_no_way_out, sweep
from tests.e2e.machine import PAUSE, Keys, Machine, await_that

pytestmark = pytest.mark.e2e
MakeMachine = Callable[..., Machine]


def links() -> list[str]:
    listed = subprocess.run(["ip", "-j", "link"], capture_output=True, text=True, check=True)
    return [link["ifname"] for link in json.loads(listed.stdout)]


def routes() -> str:
    return subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout


def namespaces() -> list[Path]:
    return [Path(f"/proc/thread-self/ns/{kind}").readlink() for kind in ("net", "mnt")]


def refusal(address: str) -> int:
    with socket.socket() as client:
        client.settimeout(5)
        return client.connect_ex((address, 22))


def test_the_lab_has_no_way_out(inside: Lab) -> None:
    check_no_way_out()

    assert links() == ["lo"]


def test_a_way_out_is_detected(inside: Lab, machine: Machine) -> None:
    machine.create("198.18.0.2")
    route = ["ip", "route", "add", "default", "via", "198.18.0.2"]
    subprocess.run(route, check=True)

    with pytest.raises(LabError, match="a way out of the lab: default via"):
        check_no_way_out()


def test_the_lab_is_left_as_it_was_entered(lab: Lab) -> None:
    before = (*namespaces(), Path.cwd())

    with lab.namespaces.entered():
        assert not {*namespaces()} & {*before}
        assert Path.cwd() == before[-1]

    assert (*namespaces(), Path.cwd()) == before


def test_a_host_comes_up_and_accepts_the_key_of_both_users(machine: Machine) -> None:
    machine.create("198.18.0.2")
    machine.await_ssh()

    assert machine.status() == "running"
    assert machine.on_host("hostname; id -un; cat /proc/1/comm") == "one\nroot\nsshd"
    assert machine.on_host("id -un; sudo id -un", user="deploy") == "deploy\nroot"
    assert "default" not in machine.on_host("ip route")


def test_a_host_with_an_unknown_key_is_refused(machine: Machine, tmp_path: Path) -> None:
    machine.create("198.18.0.2")
    machine.await_ssh()

    other = Keys.make(tmp_path / "others")
    (machine.keys.directory / "host.pub").write_text(other.host.with_suffix(".pub").read_text())
    ended = machine.ssh("true")

    assert ended.returncode == 255
    assert "Host key verification failed" in ended.stderr


def test_a_host_can_start_from_the_root_of_this_machine(make_machine: MakeMachine) -> None:
    machine = make_machine(base=Path("/"))
    machine.create("198.18.0.2")
    machine.await_ssh()

    machine.on_host("touch /etc/written-by-the-host")

    assert not Path("/etc/written-by-the-host").exists()
    assert machine.on_host("ls -A /root /home") == "/home:\n\n/root:\n.ssh"


def test_a_host_keeps_no_file_of_its_creator_open(machine: Machine) -> None:
    ours, inherited = os.pipe()
    command, environ = machine.command("create", "198.18.0.2"), machine.environ()
    subprocess.run(command, env=environ, pass_fds=[inherited], check=True, stdout=inherited)
    os.close(inherited)

    with os.fdopen(ours) as pipe:
        ready, _, _ = select.select([pipe], [], [], 10)
        assert ready
        assert pipe.read() == "machine one: started at 198.18.0.2\n"
    assert machine.status() == "running"


@pytest.mark.parametrize("place", ["network", "boot"])
def test_a_host_can_be_created_after_a_failed_attempt(machine: Machine, place: str) -> None:
    failed = machine.run("create", "198.18.0.2", MACHINE_FAIL_AT=place)
    assert (failed.returncode, failed.stderr) == (1, f"machine one: failed at {place}, as it was told to\n")
    assert links() == ["lo", "m-18-0-2"]

    machine.create("198.18.0.2")
    machine.await_ssh()

    assert machine.status() == "running"


def test_a_host_can_be_destroyed_twice_and_leaves_no_trace(machine: Machine) -> None:
    machine.create("198.18.0.2")
    pid = machine.pid

    assert machine.destroy() == "machine one: is gone\n"
    assert machine.destroy() == "machine one: is not there\n"

    assert (machine.status(), links(), routes()) == ("absent", ["lo"], "")
    assert list(machine.state_dir.iterdir()) == []
    assert not Path(f"/proc/{pid}/root/etc").exists()


def test_a_destroy_that_fails_can_be_repeated(machine: Machine) -> None:
    machine.create("198.18.0.2")

    assert machine.run("destroy", MACHINE_FAIL_AT="destroy").returncode == 1
    assert machine.status() == "running"

    machine.destroy()
    assert machine.status() == "absent"


def test_destroy_ends_processes_in_the_network_of_a_host(machine: Machine) -> None:
    machine.create("198.18.0.2")
    stray = subprocess.Popen(["ip", "netns", "exec", "one", "sleep", "infinity"])

    machine.destroy()

    assert stray.wait() == -signal.SIGKILL


def test_a_killed_host_is_detected(machine: Machine) -> None:
    machine.create("198.18.0.2")
    machine.await_ssh()

    machine.kill()
    assert machine.status() == "stopped"
    assert refusal("198.18.0.2") != 0

    machine.create("198.18.0.2")
    machine.await_ssh()


def test_packets_to_a_deleted_host_are_not_routed(machine: Machine) -> None:
    machine.create("198.18.0.2")
    machine.delete()
    await_that(lambda: links() == ["lo"])  # the kernel takes a namespace down when it gets to it

    assert machine.status() == "stopped"
    assert routes() == "unreachable 198.18.0.0/30 metric 4000000000 \n"
    assert os.strerror(refusal("198.18.0.2")) == "No route to host"


def test_foreign_names_and_addresses_are_refused_and_left_alone(make_machine: MakeMachine) -> None:
    first, second = make_machine("one"), make_machine("two")
    first.create("198.18.0.2")
    subprocess.run(["ip", "netns", "add", "two"], check=True)

    taken = second.run("create", "198.18.0.6")
    assert "two is there and not on record" in taken.stderr
    subprocess.run(["ip", "netns", "delete", "two"], check=True)
    taken = second.run("create", "198.18.0.2")
    assert "198.18.0.2 is taken by another machine" in taken.stderr

    assert second.destroy() == "machine two: is not there\n"
    assert first.status() == "running"


@pytest.mark.parametrize("made_by", ["make_machine", "make_full_machine"])
def test_a_host_survives_the_death_of_its_creator_and_can_be_destroyed(
    request: pytest.FixtureRequest, made_by: str
) -> None:
    generation = str(uuid4())
    machine = request.getfixturevalue(made_by)(MACHINE_GENERATION=generation)
    environ = machine.environ(MACHINE_PAUSE_AT="boot", MACHINE_PAUSE=PAUSE)
    creator = subprocess.Popen(
        machine.command("create", "198.18.0.2"), env=environ, stdout=subprocess.DEVNULL, process_group=0
    )
    await_that(lambda: (machine.state_dir / "one" / "launcher").exists())
    machine.await_ssh()
    os.killpg(creator.pid, signal.SIGKILL)
    creator.wait()

    assert machine.on_host("hostname") == "one"
    machine.destroy()

    assert links() == ["lo"]
    assert refusal("198.18.0.2") != 0
    assert list(Path("/sys/fs/cgroup").rglob(f"envchart-{generation}")) == []


def test_the_hosts_of_a_killed_run_are_swept_by_the_next(inside: Lab, tmp_path: Path, base: Path) -> None:
    script = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from tests.e2e.lab import Lab\n"
        "from tests.e2e.machine import Keys, Machine\n"
        "lab = Lab()\n"
        "with lab.namespaces.entered():\n"
        f"    keys = Keys.make(Path({str(tmp_path / 'keys')!r}))\n"
        f"    machine = Machine('left', lab.new_directory(), keys, Path({str(base)!r}))\n"
        "    machine.create('198.18.0.2')\n"
        "    print(machine.state_dir, machine.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    state_dir, pid = run.stdout.rsplit(maxsplit=1)
    root = Path(f"/proc/{pid}/root/etc/envchart-generation")
    assert root.exists()

    sweep()

    assert not root.exists()
    assert not Path(state_dir).parent.exists()
    assert inside.directory.exists()


@pytest.fixture
def make_full_machine(make_machine: MakeMachine, systemd_base: Path) -> MakeMachine:
    return lambda name="one", **settings: make_machine(
        name, base=systemd_base, MACHINE_INIT="systemd", **settings
    )


def test_two_hosts_with_systemd_can_run_at_the_same_time(make_full_machine: MakeMachine) -> None:
    first, second = make_full_machine("one"), make_full_machine("two")
    first.create("198.18.0.2")
    second.create("198.18.0.6")

    for machine in (first, second):
        machine.await_ssh()
        assert machine.on_host("cloud-init status --wait").endswith("status: done")
        assert machine.on_host("hostname; systemctl is-system-running") == f"{machine.name}\nrunning"
        assert machine.on_host("sudo id -un", user="deploy") == "root"


def test_a_destroyed_host_with_systemd_leaves_no_trace(make_full_machine: MakeMachine) -> None:
    generation = str(uuid4())
    machine = make_full_machine(MACHINE_GENERATION=generation)
    machine.create("198.18.0.2")
    groups = list(Path("/sys/fs/cgroup").rglob(f"envchart-{generation}"))

    machine.destroy()

    assert groups
    assert not any(group.exists() for group in groups)
    assert (links(), routes(), list(machine.state_dir.iterdir())) == (["lo"], "", [])


def test_a_failure_of_cloud_init_is_reported(make_full_machine: MakeMachine) -> None:
    machine = make_full_machine(MACHINE_USER_DATA="#cloud-config\nruncmd: [[sh, -c, exit 7]]")
    machine.create("198.18.0.2")
    machine.await_ssh()

    ended = machine.ssh("cloud-init status --wait")

    assert ended.returncode == 1
    assert ended.stdout.strip().endswith("status: error")


def test_a_killed_host_with_systemd_is_detected(make_full_machine: MakeMachine) -> None:
    machine = make_full_machine()
    machine.create("198.18.0.2")

    machine.delete()
    assert machine.status() == "stopped"

    machine.destroy()
    assert machine.status() == "absent"
