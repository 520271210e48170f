"""A process beside this one that ends its tools when they may no longer work.

On a shared store, an environment is held by a lease that has to be renewed. A process that is paused, or
whose database is away, can't renew it; its tools would work on while another machine takes over. The
watchdog ends them before that.

It reads lines:

    until KEY TIME      the environment with this key is held until a time (`lease_time`)
    mark KEY OPERATION  its tools have this operation in their environment variables
    group KEY PID TICKS a tool leads this process group, since this start
    free KEY            it is held no longer, and its tools have ended
    owner TIME          this process itself is to be ended after a time
    end                 this process leaves in order

When the input ends without `end`, this process has died, and all tools are ended.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Self

from environments.system import watching_process
from statechart.holder import start_ticks
from statechart.log import warn

if TYPE_CHECKING:
    from environments.model.operation import ToolProcess


_LEAVING = 10.0  # seconds: longer than it takes to end tools


class Watchdog:
    """The watchdog of this process; started with the first lease."""

    _here: ClassVar[dict[int, Watchdog]] = {}
    _all_here: ClassVar[weakref.WeakSet[Watchdog]] = weakref.WeakSet()
    _lock: ClassVar[threading.RLock] = threading.RLock()
    """Held by a fork as well: the pipe of a watchdog that is just being started must not leak into it."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}
        self._owner: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._unsent = b""  # what a full pipe did not take
        self._pid = os.getpid()
        with self._lock:
            self._all_here.add(self)

    @classmethod
    def of_this_process(cls) -> Watchdog:
        """Return the one watchdog of this process, which ends with it."""
        with cls._lock:
            if os.getpid() not in cls._here:
                cls._here = {os.getpid(): cls()}  # a fork has the entry of its parent
                atexit.register(cls._here[os.getpid()].close)
            return cls._here[os.getpid()]

    def until(self, key: str, time: float) -> None:
        """Say that what has this key is held until a time, as `lease_time` counts."""
        self._say(key, f"until {key} {time:.3f}")

    def mark(self, key: str, operation_id: str) -> None:
        """Say which operation the tools of a key are marked with, before the first is started."""
        self._say(key, f"mark {key} {operation_id}")

    def group(self, key: str, tool: ToolProcess) -> None:
        """Say which process group a tool leads."""
        if tool.started is not None:
            self._say(key, f"group {key} {tool.pid} {tool.started}")

    def end(self, key: str) -> None:
        """End the tools of a key now."""
        self._say(key, f"until {key} 0")
        with self._lock:
            self._lines.pop(key, None)

    def free(self, key: str) -> None:
        """Forget a key: its tools have ended, or it is for others to end them."""
        with self._lock:
            if self._lines.pop(key, None) is not None and self._process is not None:
                self._send(f"free {key}")

    def owner_until(self, time: float) -> None:
        """Say that this process, too, has to be ended if it does not say another time before this one."""
        with self._lock:
            self._owner = f"owner {time:.3f}"
            self._send(self._owner)

    def close(self) -> None:
        """Leave in order: what is still held is not ended. Does nothing in a fork."""
        if self._pid != os.getpid():
            return
        with self._lock:
            process, self._process = self._process, None
            if process is None or process.stdin is None:
                return
            with suppress(OSError):
                os.write(process.stdin.fileno(), self._unsent + b"end\n")
            with suppress(OSError):
                process.stdin.close()
        with suppress(subprocess.TimeoutExpired):  # it may be paused
            process.wait(_LEAVING)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _say(self, key: str, line: str) -> None:
        word = line.split()[0]
        with self._lock:
            lines = self._lines.setdefault(key, [])
            if word == "until":  # only the last counts
                lines[:] = [each for each in lines if not each.startswith("until ")]
            lines.append(line)
            if self._process is not None or word != "until":  # without tools, there is no need for one
                self._send(line)

    def _send(self, line: str) -> None:
        """Write a line to the watchdog; if it is gone, start another and tell it all."""
        for _ in range(2):
            try:
                new = self._process is None or self._process.poll() is not None
                process = self._started() if new else self._process
                lines = self._all() if new else [line]
                assert process is not None
                assert process.stdin is not None
                self._unsent += "".join(f"{each}\n" for each in lines).encode()
                self._unsent = self._unsent[os.write(process.stdin.fileno(), self._unsent) :]
            except BlockingIOError:  # it is paused, with its input full: the next line brings the rest
                return
            except BrokenPipeError:
                continue
            except OSError as error:
                warn(f"No watchdog: tools are not ended if this process is paused: {error}")
                return
            else:
                return

    def _all(self) -> list[str]:
        lines = [line for each in self._lines.values() for line in each]
        return lines if self._owner is None else [*lines, self._owner]

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._unsent = b""
        owner = os.getpid()
        program = [sys.executable, "-I", "-S", watching_process.__file__]
        self._process = subprocess.Popen(
            [*program, str(owner), str(start_ticks(owner) or 0)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            bufsize=0,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        return self._process

    def _leave_to_parent(self) -> None:
        """Forget the watchdog of the process that this one was forked from, and close its input."""
        process, self._process = self._process, None
        self._lines, self._owner, self._unsent = {}, None, b""
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.returncode = 0  # it is no child of this process, which can't wait for it


def _after_fork() -> None:
    # An open input would hide the death of the parent: its tools would go on until the lease is over.
    try:
        for each in list(Watchdog._all_here):
            each._leave_to_parent()
    finally:
        Watchdog._lock.release()


os.register_at_fork(
    before=Watchdog._lock.acquire, after_in_parent=Watchdog._lock.release, after_in_child=_after_fork
)
