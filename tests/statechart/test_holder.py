"""Holder: the identity of a process, written down for people."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from statechart.holder import Holder, start_ticks


def test_this_process_is_alive():
    assert Holder.current("work").is_alive() is True


def test_a_holder_survives_json():
    holder = Holder.current("work")

    assert Holder.model_validate_json(holder.model_dump_json()) == holder


def test_two_holders_of_one_process_are_told_apart():
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


def test_a_zombie_has_no_start():
    child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert start_ticks(child.pid) is None
    child.communicate()


def test_a_process_before_the_last_boot_is_not_alive():
    assert Holder.current().model_copy(update={"boot_id": "another"}).is_alive() is False


@pytest.mark.parametrize(
    "elsewhere",
    [{"host": "another"}, {"pid_namespace": "pid:[1]"}, {"start_ticks": None}, {"boot_id": None}],
)
def test_whether_a_process_lives_elsewhere_is_not_known(elsewhere):
    assert Holder.current().model_copy(update=elsewhere).is_alive() is None


def test_a_description_says_who_since_when_and_doing_what():
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
