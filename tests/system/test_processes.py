from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from environments.system import processes
from environments.system.processes import ProcessIdentity, end, marked, spawn

MARK = "ENVCHART_TEST_MARK"


@contextmanager
def started(tmp_path, code, **env):
    """Start Python with some code in a session of its own, wait until it speaks, and end it after all."""
    log = tmp_path / f"{uuid4().hex}.log"
    with log.open("wb") as output:
        command = (sys.executable, "-S", "-u", "-c", code + "\nprint('ready')\nimport time; time.sleep(60)")
        identity = spawn(command, cwd=tmp_path, env={"PATH": os.defpath, **env}, output=output.fileno())
    try:
        while b"ready" not in log.read_bytes():
            assert processes.lives(psutil.Process(identity.pid)), log.read_text()
        yield identity
    finally:
        for each in marked({MARK: env.get(MARK, "-")}):
            each.kill()
        if identity.pid not in processes.exit_statuses():
            os.killpg(identity.pid, signal.SIGKILL)
        while identity.pid not in processes.exit_statuses():
            pass
        processes.forget(identity.pid)


def test_a_process_leads_a_session_of_its_own_and_is_known_by_its_start(tmp_path):
    with started(tmp_path, "") as identity:
        assert os.getsid(identity.pid) == identity.pid
        assert identity.find(MARK, "no token") is not None
        assert ProcessIdentity.of(identity.pid) == identity
    assert identity.find(MARK, "no token") is None


@pytest.mark.parametrize("other", [{"started": 1}, {"boot_id": "another boot"}, {"started": None}])
def test_a_process_with_another_start_is_a_stranger_unless_it_has_the_token(tmp_path, other):
    with started(tmp_path, "", **{MARK: "token"}) as identity:
        stranger = identity.model_copy(update=other)

        assert stranger.find(MARK, "another token") is None
        assert stranger.find(MARK, "token") is not None


def test_a_process_that_only_waits_to_be_collected_is_dead(tmp_path):
    with subprocess.Popen(["true"]) as child:
        identity = ProcessIdentity.of(child.pid)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

        assert psutil.pid_exists(child.pid)
        assert not processes.lives(psutil.Process(child.pid))
        assert identity.find(MARK, "") is None


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


async def test_ending_is_polite_first(tmp_path):
    code = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))"
    with started(tmp_path, code, **{MARK: (mark := uuid4().hex)}) as identity:
        killed = await end(lambda: marked({MARK: mark}), timedelta(seconds=5))

        assert (killed, processes.exit_statuses()[identity.pid]) == (0, 7)


async def test_ending_uses_force_after_the_grace(tmp_path):
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    with started(tmp_path, code, **{MARK: (mark := uuid4().hex)}) as identity:
        killed = await end(lambda: marked({MARK: mark}), timedelta(seconds=0.1))

        assert (killed, processes.exit_statuses()[identity.pid]) == (1, -9)


async def test_a_group_is_asked_only_once_to_end(tmp_path):
    code = (
        "import os, signal\n"
        "asked = []\n"
        "def term(*_):\n    asked.append(1); os.write(1, b'asked %d;' % len(asked))\n"
        "signal.signal(signal.SIGTERM, term)\n"
        "os.fork() or print('child')\n"
    )
    with started(tmp_path, code, **{MARK: (mark := uuid4().hex)}) as identity:
        await asyncio.sleep(0.2)
        assert await end(lambda: marked({MARK: mark}), timedelta(seconds=0.2)) == 2
        said = next(tmp_path.glob("*.log")).read_text()

    assert said.count("asked 1") == 2
    assert "asked 2" not in said
    assert identity.pid > 0


def test_what_runs_inside_a_service_can_end_it_and_lives_on(tmp_path):
    controller = (
        "import asyncio, os, psutil; from datetime import timedelta; from pathlib import Path\n"
        "from environments.system.processes import end, lives\n"
        "leader = psutil.Process(os.getpgrp())\n"
        "asyncio.run(end(lambda: [leader] if lives(leader) else [], timedelta(seconds=5)))\n"
        "Path('survived').write_text('')\n"
    )
    code = f"import subprocess, sys; subprocess.Popen([{sys.executable!r}, '-c', {controller!r}])"
    with started(tmp_path, code, PYTHONPATH=str(Path(__file__).parents[3])) as identity:
        deadline = time.monotonic() + 10
        while not (tmp_path / "survived").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert processes.exit_statuses()[identity.pid] == -signal.SIGTERM


def test_who_listens_is_told_by_name():
    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = processes.listener_on(server.getsockname()[1])
    assert listener is not None
    assert listener.describe() == f"{psutil.Process().name()} (pid {os.getpid()})"
    assert processes.listener_on(1) is None


def test_a_process_that_is_gone_can_be_described():
    with subprocess.Popen(["true"]) as child:
        gone = psutil.Process(child.pid)
    assert processes.Program.of(gone).describe().endswith(f"(pid {child.pid})")
