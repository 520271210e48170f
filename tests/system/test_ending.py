from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from environments.errors import StepFailed
from environments.system import processes
from environments.system.ending import Ended, end, wait_gone
from environments.system.processes import marked
from tests.system.started import MARK, started


async def test_processes_are_asked_to_end_first(tmp_path):
    code = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))"
    with started(tmp_path, code, **{MARK: (mark := uuid4().hex)}) as identity:
        ended = await end(lambda: marked({MARK: mark}), timedelta(seconds=60))

        assert (ended, processes.exit_statuses()[identity.pid]) == (Ended(1, 0), 7)


async def test_processes_are_killed_after_the_grace(tmp_path):
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    with started(tmp_path, code, **{MARK: (mark := uuid4().hex)}) as identity:
        ended = await end(lambda: marked({MARK: mark}), timedelta(seconds=0.1))

        assert (ended, processes.exit_statuses()[identity.pid]) == (Ended(1, 1), -9)


async def test_a_group_is_asked_only_once_to_end(tmp_path):
    code = (
        "import os, signal\n"
        "asked = []\n"
        "def term(*_):\n    asked.append(1); os.write(1, b'asked %d;' % len(asked))\n"
        "    signal.setitimer(signal.ITIMER_REAL, 0.3)\n"  # which ends it
        "signal.signal(signal.SIGTERM, term)\n"
        "os.fork() or print('child')\n"
    )
    with started(tmp_path, code, **{MARK: (mark := uuid4().hex)}) as identity:
        assert await end(lambda: marked({MARK: mark}), timedelta(seconds=60)) == Ended(2, 0)
        said = next(tmp_path.glob("*.log")).read_text()

    assert said.count("asked 1") == 2
    assert "asked 2" not in said
    assert identity.pid > 0


def test_a_process_inside_a_service_can_end_the_service_and_survive(tmp_path):
    controller = (
        "import asyncio, os, psutil; from datetime import timedelta; from pathlib import Path\n"
        "from environments.system.ending import end\n"
        "from environments.system.processes import lives\n"
        "leader = psutil.Process(os.getpgrp())\n"
        "asyncio.run(end(lambda: [leader] if lives(leader) else [], timedelta(seconds=60)))\n"
        "Path('survived').write_text('')\n"
    )
    code = f"import subprocess, sys; subprocess.Popen([{sys.executable!r}, '-c', {controller!r}])"
    with started(tmp_path, code, PYTHONPATH=str(Path(__file__).parents[3])) as identity:
        deadline = time.monotonic() + 60
        while not (tmp_path / "survived").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert processes.exit_statuses()[identity.pid] == -signal.SIGTERM


async def test_no_signal_is_sent_if_no_process_is_found():
    def refuse(_found, _number):
        raise AssertionError("a signal was sent")

    assert await end(list, timedelta(seconds=5), send=refuse) == Ended(0, 0)


@pytest.fixture
def zombie():
    """A zombie that is no child of this process."""
    code = (
        "import subprocess, sys; c = subprocess.Popen(['true']); print(c.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as parent:
        yield psutil.Process(int(parent.stdout.readline()))


async def test_a_zombie_of_another_parent_counts_as_gone(zombie):
    assert await wait_gone([zombie], timedelta(seconds=60))
    assert psutil.pid_exists(zombie.pid)


async def test_a_process_that_lives_on_is_reported_after_the_wait(tmp_path):
    with started(tmp_path, "") as identity:
        assert not await wait_gone([psutil.Process(identity.pid)], timedelta(seconds=0.1))


async def test_a_process_that_survives_force_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("environments.system.ending._KILL_PATIENCE", 0.0)
    with started(tmp_path, "") as identity:
        process = psutil.Process(identity.pid)
        with pytest.raises(StepFailed, match=rf"even by force: \S+ \(pid {identity.pid}\)"):
            await end(lambda: [process], timedelta(), send=lambda _found, _number: None)
