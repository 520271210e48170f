"""Find the surviving processes of commands, and no strangers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from environments.model.operation import ToolProcess
from environments.model.steps import marks
from environments.system.ending import end
from environments.system.survivors import of_tools
from statechart.holder import ProcessIdentity
from tests.operations import own

MARKS = marks(own("operation-1"), "first")
LEADERLESS = """
import os, sys, time
if os.fork():
    os._exit(0)
print(os.getpid(), flush=True)
time.sleep(60)
"""


@contextmanager
def leaderless(**variables: str) -> Iterator[tuple[ToolProcess, psutil.Process]]:
    """Start a group and end its leader; yield the leader's record and the remaining member."""
    command = [sys.executable, "-S", "-c", LEADERLESS]
    env = {"PATH": os.defpath, **variables}
    with subprocess.Popen(command, stdout=-1, env=env, start_new_session=True) as leader:
        tool = ToolProcess.of(leader.pid, "tool")
        assert leader.stdout is not None
        member = psutil.Process(int(leader.stdout.readline()))
        leader.wait()
        try:
            yield tool, member
        finally:
            if member.is_running():
                member.kill()


def test_a_group_without_its_leader_is_left_alone_unless_it_is_marked() -> None:
    with leaderless() as (tool, member):
        assert os.getpgid(member.pid) == tool.pid
        assert of_tools([tool], MARKS) == []
    with leaderless(ENVCHART_OPERATION=own("operation-2")) as (tool, _stranger):
        assert of_tools([tool], MARKS) == []


async def test_a_group_without_its_leader_is_ended_when_a_member_is_marked() -> None:
    with leaderless(**{**MARKS, "ENVCHART_STEP": "another"}) as (tool, member):
        assert of_tools([tool], MARKS) == [member]

        await end(lambda: of_tools([tool], MARKS), timedelta(seconds=5))

        assert not member.is_running() or member.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("elsewhere", [{"pid_namespace": "pid:[1]"}, {"boot_id": "another boot"}])
def test_a_number_of_another_namespace_or_boot_names_no_group_here(elsewhere: dict[str, str]) -> None:
    variables = {**MARKS, "ENVCHART_STEP": "another"}
    with leaderless(**variables) as (tool, _member):
        assert of_tools([tool.model_copy(update=elsewhere)], MARKS) == []


@pytest.mark.parametrize("changed", [{}, {"pid_namespace": None}], ids=["today's record", "an old record"])
def test_a_group_with_its_leader_is_known_by_the_leaders_start(changed: dict[str, None]) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as leader:
        tool = ToolProcess.of(leader.pid, "sleep").model_copy(update=changed)
        assert [each.pid for each in of_tools([tool], MARKS)] == [leader.pid]
        assert tool.started is not None

        later = tool.model_copy(update={"started": tool.started - 1})
        assert of_tools([later], MARKS) == []
        leader.kill()


def test_a_zombie_leader_still_vouches_for_its_group() -> None:
    code = LEADERLESS.replace("os._exit(0)", "(sys.stdin.read(), os._exit(0))")
    with subprocess.Popen(
        [sys.executable, "-S", "-c", code], stdin=-1, stdout=-1, start_new_session=True
    ) as it:
        assert it.stdout is not None
        member = psutil.Process(int(it.stdout.readline()))
        tool = ToolProcess.of(it.pid, "tool")
        assert it.stdin is not None
        it.stdin.close()
        os.waitid(os.P_PID, it.pid, os.WEXITED | os.WNOWAIT)

        assert of_tools([tool], MARKS) == [member]
        member.kill()


def test_a_record_without_a_namespace_still_loads() -> None:
    old = ToolProcess.model_validate_json('{"pid":72,"program":"tool","started":6,"boot_id":"b"}')

    assert (old.pid_namespace, old.identity) == (None, ProcessIdentity(pid=72, started=6, boot_id="b"))


IN_CONTAINER = """
import os, subprocess, sys
from pathlib import Path
from environments.model.operation import ToolProcess
from environments.model.steps import marks
from environments.system.survivors import of_tools

recorded = ToolProcess.model_validate_json(sys.argv[1])
Path("/proc/sys/kernel/ns_last_pid").write_text(str(recorded.pid - 1))
variables = marks("operation-1", "first")
stranger = subprocess.Popen(["sleep", "60"], start_new_session=True, env={**os.environ, **variables})
assert stranger.pid == recorded.pid, stranger.pid
here = ToolProcess.of(stranger.pid, "sleep")
assert (here.boot_id, here.pid_namespace) != (recorded.boot_id, recorded.pid_namespace)
assert here.boot_id == recorded.boot_id, "containers of one machine share the boot"
same_start = recorded.model_copy(update={"started": here.started})
print([each.pid for each in of_tools([same_start], marks("operation-2", "first"))])
print([each.pid for each in of_tools([here], marks("operation-2", "first"))] == [stranger.pid])
stranger.kill()
"""


def test_a_group_of_the_same_number_in_another_container_is_a_strangers() -> None:
    unshare = ["unshare", "--pid", "--fork", "--mount-proc"]
    if os.getuid() != 0 or subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
        pytest.skip("making a PID namespace needs root and unshare")
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as outside:
        recorded = ToolProcess.of(outside.pid, "sleep").model_dump_json()

        inside = subprocess.run(
            [*unshare, sys.executable, "-c", IN_CONTAINER, recorded],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        outside.kill()

    assert inside.stdout == "[]\nTrue\n", inside.stderr
