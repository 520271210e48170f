from __future__ import annotations

import os
import socket
import subprocess
import sys
from uuid import uuid4

import psutil
import pytest

from environments.system import processes
from environments.system.processes import find, marked
from statechart.holder import ProcessIdentity
from tests.system.started import MARK, started


def test_a_process_leads_its_own_session_and_is_identified_by_its_start(tmp_path):
    with started(tmp_path, "") as identity:
        assert os.getsid(identity.pid) == identity.pid
        assert find(identity, MARK, "no token") is not None
        assert ProcessIdentity.of(identity.pid) == identity
    assert find(identity, MARK, "no token") is None


@pytest.mark.parametrize("other", [{"started": 1}, {"boot_id": "another boot"}, {"started": None}])
def test_a_process_with_another_start_is_found_only_by_its_token(tmp_path, other):
    with started(tmp_path, "", **{MARK: "token"}) as identity:
        stranger = identity.model_copy(update=other)

        assert find(stranger, MARK, "another token") is None
        assert find(stranger, MARK, "token") is not None


def test_a_zombie_is_dead(tmp_path):
    with subprocess.Popen(["true"]) as child:
        identity = ProcessIdentity.of(child.pid)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

        assert psutil.pid_exists(child.pid)
        assert not processes.lives(psutil.Process(child.pid))
        assert find(identity, MARK, "") is None


def test_marked_processes_are_found_but_never_this_one_or_its_parents(tmp_path):
    mark = uuid4().hex
    ask = (
        "import os; from environments.system.processes import marked;"
        f"print(len(marked({{{MARK!r}: {mark!r}}})), os.environ[{MARK!r}] == {mark!r})"
    )
    with started(tmp_path, "", **{MARK: mark}) as identity:
        assert [each.pid for each in marked({MARK: mark})] == [identity.pid]
        command = ["sh", "-c", '"$@"; true', "sh", sys.executable, "-c", ask]
        answer = subprocess.run(command, env={**os.environ, MARK: mark}, capture_output=True, text=True)
    assert answer.stdout == "1 True\n", answer.stderr


def test_a_listener_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = processes.listener_on(server.getsockname()[1])
    assert listener is not None
    assert listener.describe() == f"{psutil.Process().name()} (pid {os.getpid()})"
    assert processes.listener_on(1) is None


def test_an_ended_process_can_be_described():
    with subprocess.Popen(["true"]) as child:
        gone = psutil.Process(child.pid)
    assert processes.Program.of(gone).describe().endswith(f"(pid {child.pid})")
