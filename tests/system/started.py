from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from uuid import uuid4

import psutil

from environments.system import processes
from environments.system.processes import marked, spawn

MARK = "ENVCHART_TEST_MARK"


@contextmanager
def started(tmp_path, code, **env):
    """Run Python code in a session of its own from its first output to the end of the context."""
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
