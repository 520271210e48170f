"""The identity of processes, recorded for people."""

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from statechart.holder import Holder, ProcessIdentity, start_ticks, who


def test_this_process_is_alive():
    assert Holder.current("work").is_alive() is True


def test_a_holder_survives_json():
    holder = Holder.current("work")

    assert Holder.model_validate_json(holder.model_dump_json()) == holder


def test_two_holders_of_one_process_are_distinguished():
    assert Holder.current().token != Holder.current().token


def test_a_pid_that_another_process_has_now_is_not_the_holder():
    holder = Holder.current()
    assert holder.start_ticks is not None

    assert holder.model_copy(update={"start_ticks": holder.start_ticks - 1}).is_alive() is False


def test_a_process_that_ended_is_not_alive():
    child = subprocess.Popen([sys.executable, "-c", ""])
    holder = Holder.current().model_copy(
        update={"pid": child.pid, "start_ticks": start_ticks(child.pid) or 1}
    )
    child.wait()

    assert holder.is_alive() is False


def test_a_zombie_is_known_but_not_alive():
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert start_ticks(child.pid) is None
    identity = ProcessIdentity.of(child.pid)
    assert identity.started == start_ticks(child.pid, zombie=True) is not None
    assert not identity.is_alive
    child.communicate()


def test_a_process_before_the_last_boot_is_not_alive():
    assert Holder.current().model_copy(update={"boot_id": "another"}).is_alive() is False


@pytest.mark.parametrize(
    "elsewhere",
    [{"host": "another"}, {"pid_namespace": "pid:[1]"}, {"start_ticks": None}, {"boot_id": None}],
)
def test_whether_a_process_lives_elsewhere_is_not_known(elsewhere):
    assert Holder.current().model_copy(update=elsewhere).is_alive() is None


def test_a_description_names_the_process_its_start_and_its_command():
    holder = Holder(
        pid=71,
        host="lab",
        user="ann",
        command="envchart run",
        since=datetime(2026, 1, 2, 10, 31, 5, tzinfo=UTC),
    )

    assert holder.describe() == "envchart run, pid 71 of ann@lab, since 10:31:05Z"


def test_a_description_says_whether_the_process_lives():
    assert Holder.current().describe().endswith("(alive)")
    dead = Holder.current().model_copy(update={"boot_id": "another"})
    assert dead.describe().endswith("(no longer alive)")


NAMELESS = """
import os
from statechart.holder import Holder, who
os.setgid(54321)
os.setuid(54321)
print(who(), Holder.current().user, Holder.of(os.getpid(), Holder.current().since).user)
"""


def test_a_user_without_a_name_is_known_by_its_number():
    if os.getuid() != 0:
        pytest.skip("becoming another user needs root")
    named = ("LOGNAME", "USER", "LNAME", "USERNAME")
    env = {name: value for name, value in os.environ.items() if name not in named}
    env["PYTHONPATH"] = str(Path(__file__).parents[2])

    ran = subprocess.run([sys.executable, "-c", NAMELESS], capture_output=True, text=True, env=env)

    assert ran.stdout == f"54321@{socket.gethostname()} 54321 54321\n", ran.stderr


def test_who_names_the_user_and_the_machine():
    assert who() == f"{Holder.current().user}@{socket.gethostname()}"


@pytest.mark.parametrize(
    ("changed", "alive", "elsewhere"),
    [
        ({}, True, False),
        ({"pid_namespace": None}, True, False),
        ({"started": 1}, False, False),
        ({"started": None}, False, False),
        ({"pid_namespace": "pid:[1]"}, False, True),
        ({"boot_id": "another"}, False, True),
    ],
    ids=str,
)
def test_an_identity_is_one_process_of_one_boot_and_namespace(changed, alive, elsewhere):
    identity = ProcessIdentity.of(os.getpid()).model_copy(update=changed)

    assert (identity.is_alive, identity.is_elsewhere) == (alive, elsewhere)


def test_an_identity_recorded_without_a_namespace_still_loads():
    old = ProcessIdentity.model_validate_json('{"pid": 7, "started": 1, "boot_id": "b"}')

    assert old == ProcessIdentity(pid=7, started=1, boot_id="b", pid_namespace=None)
