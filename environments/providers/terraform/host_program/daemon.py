"""Services without a supervisor: a plain process in a session of its own, lost at a reboot."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import record
from .launch import Launch
from .processes import of_service, ticks
from .record import Record
from .refused import Refused
from .waiting import until

_AFTER_KILL = 10
_PAUSE = 0.05


def start(root: Path, launch: Launch, begun: Record) -> None:
    """Start a service and record its process.

    Raises:
        Refused: The program can't be started.
    """
    try:
        pid = _spawned(launch)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        summary = f"service.command: {launch.program} can't be started: {reason}"
        raise Refused("command_execution", summary) from error
    record.save(root, {**begun, "pid": pid, "started": ticks(pid)})


def _spawned(launch: Launch) -> int:
    # Only root can change the user; anyone else was checked to be that user already.
    who: dict[str, Any] = {}
    if launch.user.pw_uid != os.geteuid():
        groups = os.getgrouplist(launch.user.pw_name, launch.user.pw_gid)
        who = {"user": launch.user.pw_uid, "group": launch.user.pw_gid, "extra_groups": groups}
    with launch.log.open("ab", buffering=0) as log:
        process = subprocess.Popen(
            launch.words,
            executable=launch.program,
            cwd=launch.directory,
            env=launch.env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **who,
        )
    return process.pid


def status(found: Record) -> dict[str, Any]:
    """Return whether the recorded process is alive."""
    pid = found.get("pid")
    # The start time tells the process from a later one with the same pid.
    alive = pid is not None and ticks(pid) == found.get("started")
    return {"alive": alive, "pid": pid if alive else None, "restarts": 0}


def stop(found: Record, grace: float) -> bool:
    """End all processes of a service by SIGTERM, after the grace by SIGKILL.

    Returns:
        Whether there were any.

    Raises:
        Refused: Some survive SIGKILL.
    """
    pid = found.get("pid")
    if pid is not None and ticks(pid) not in (None, found.get("started")):
        pid = None  # another process has its number now

    def signalled(number: signal.Signals) -> list[int]:
        """Signal the processes that are left, and return them."""
        # Looked up for each signal: a process may have started others since.
        left = of_service(pid, found["token"])
        for each in left:
            with suppress(ProcessLookupError):
                os.kill(each, number)
        return left

    if not signalled(signal.SIGTERM):
        return False
    if until(lambda: not signalled(signal.SIGTERM), within=grace, every=_PAUSE):
        return True
    if not until(lambda: not signalled(signal.SIGKILL), within=_AFTER_KILL, every=_PAUSE):
        left = of_service(pid, found["token"])
        raise Refused("command_execution", f"processes can't be ended, even by force: {left}")
    return True
