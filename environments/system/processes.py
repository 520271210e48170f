"""Start processes in sessions of their own, and find them again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from statechart.holder import ProcessIdentity

# A zombie has released all it had; its parent may never collect it, as in containers without an init.
_DEAD = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def find(identity: ProcessIdentity, variable: str, token: str) -> psutil.Process | None:
    """Return a running process by its identity, or by the token in its environment.

    The identity is enough: a process may have overwritten its environment.
    """
    try:
        process = psutil.Process(identity.pid)
    except (psutil.NoSuchProcess, ValueError):  # a record may hold any number, negative ones included
        return None
    same = identity.is_alive or variables_of(process).get(variable) == token
    return process if same and lives(process) else None


class _Outliving(subprocess.Popen[bytes]):
    """A child that may outlive this process, and so gives no warning when it does."""

    def __del__(self) -> None:
        pass


_children: dict[int, _Outliving] = {}


def spawn(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], output: int) -> ProcessIdentity:
    """Start a program in a session of its own, with an open file for its output.

    Raises:
        OSError: The program can't be started; `filename` names the missing file.
    """
    exit_statuses()  # children that have ended stay zombies until somebody asks
    child = _Outliving(
        list(command),
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )
    _children[child.pid] = child
    return ProcessIdentity.of(child.pid)


def exit_statuses() -> dict[int, int]:
    """Collect the children of this process that have ended; return exit statuses by pid."""
    return {pid: child.returncode for pid, child in list(_children.items()) if child.poll() is not None}


def forget(pid: int) -> None:
    """Forget the exit status of a child that has ended."""
    if pid in exit_statuses():
        _children.pop(pid, None)


def marked(marks: Mapping[str, str]) -> list[psutil.Process]:
    """Return the running processes with these variables, except this process and its ancestors."""
    exit_statuses()
    here = psutil.Process()
    # A command may run inside a marked process, such as a step that calls envchart.
    own = {here.pid, *(parent.pid for parent in here.parents())}
    return [
        process
        for process in _processes()
        if process.pid not in own and marks.items() <= variables_of(process).items() and lives(process)
    ]


def session_of(leader: psutil.Process) -> list[psutil.Process]:
    """Return the running processes of a session, the leader included."""
    return [each for each in _processes() if session_id(each) == leader.pid and lives(each)]


def group_of(number: int) -> list[psutil.Process]:
    """Return the running processes of a process group, and of the session of the same number."""
    return [each for each in _processes() if number in (session_id(each), group(each.pid)) and lives(each)]


def _processes() -> Iterator[psutil.Process]:
    for pid in psutil.pids():
        with suppress(psutil.Error):
            yield psutil.Process(pid)  # not process_iter: its cache may hold an earlier owner of the pid


def session_id(process: psutil.Process) -> int | None:
    """Return the number of a process's session, or None when the process is gone."""
    with suppress(ProcessLookupError, PermissionError):
        return os.getsid(process.pid)
    return None


def variables_of(process: psutil.Process) -> dict[str, str]:
    """Return the environment variables of a process; empty where they can't be read."""
    with suppress(psutil.Error, OSError):
        return process.environ()
    return {}


def lives(process: psutil.Process) -> bool:
    """Return whether a process is running. A zombie is not."""
    with suppress(psutil.Error):
        return process.is_running() and process.status() not in _DEAD
    return False


def group(pid: int) -> int | None:
    """Return the number of a process's group, or None when the process is gone."""
    with suppress(ProcessLookupError):
        return os.getpgid(pid)
    return None


@dataclass(frozen=True, slots=True)
class Program:
    """The name and number of a process, for people."""

    pid: int
    name: str

    @classmethod
    def of(cls, process: psutil.Process) -> Program:
        """Return the description of a process, which may have ended."""
        with suppress(psutil.Error):
            return cls(process.pid, process.name())
        return cls(process.pid, "a process")

    def describe(self) -> str:
        """Return the name and the number in words."""
        return f"{self.name} (pid {self.pid})"


def listener_on(port: int) -> Program | None:
    """Return the program that listens on a TCP port, or None if that is not visible."""
    # Without root, the sockets of other users have no process.
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr
            if listens and listens.port == port and connection.pid:
                return Program.of(psutil.Process(connection.pid))
    return None
