"""Exclusive locks: a single holder for each name, across threads, tasks and processes.

The kernel's lock on the file decides. The file's content informs people about the holder.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from statechart.errors import LeaseLost, Locked
from statechart.holder import Holder
from statechart.storage.disk import (
    PRIVATE_FILE,
    AnyPath,
    OwnPath,
    failure,
    require_file,
    require_in_place,
    translated,
)
from statechart.storage.disk.lock_probe import is_held, is_only_probed, kernel_owner
from statechart.storage.values.pauses import pauses
from statechart.utc import from_timestamp

if TYPE_CHECKING:
    from filelock import UnixFileLock

_AMONG_PROBES = 2.0  # seconds, in which a moment comes that no reader probes the lock
_POLL = 0.005  # seconds, for a holder in this process
_LONGEST = 0.04  # seconds between two looks: twenty that wait would take a processor for more of them
PATIENCE = 0.05
"""The seconds to wait at least, as a reader that probes the lock has it for a moment."""

_LIMIT = 65_536

# In front of the file locks, because filelock reports two locks of one file in one thread as a deadlock
# instead of waiting. Process-wide, as the kernel's lock is; weak, so that a forgotten lock is free.
_held: weakref.WeakValueDictionary[str, Lock] = weakref.WeakValueDictionary()
_held_guard = threading.Lock()


def _forget_held() -> None:
    global _held_guard  # a copy that another thread held at the fork would never be released
    _held_guard = threading.Lock()
    _held.clear()


os.register_at_fork(after_in_child=_forget_held)


class Lock:
    """The lock of a name.

    Attributes:
        holder: The holder through this object, or None.
        crashed: The previous holder, if it ended without releasing the lock.
        released_by: The previous holder, if it released the lock.
    """

    def __init__(self, path: AnyPath, name: str) -> None:
        self.path: Path = Path(path)
        self._place = OwnPath.of(path)
        self._where = str(path)
        self.holder: Holder | None = None
        self.crashed: Holder | None = None
        self.released_by: Holder | None = None
        self._name = name
        self._key = os.path.realpath(path)
        self._file: UnixFileLock | None = None
        self._descriptor = -1
        self._identity = (0, 0)
        self._before = b""
        self._pid = os.getpid()

    def acquire(self, holder: Holder, timeout: float = 0, patience: float = PATIENCE) -> None:
        """Acquire the lock, waiting at most `timeout` seconds for another holder.

        The lock is not re-entrant: a second acquisition in the same process is a conflict too. With less
        `patience`, a reader that probes the lock may be taken for a holder.

        Raises:
            Locked: Another holder has the lock.
            StorageError: The lock file can't be used.
        """
        deadline = time.monotonic() + max(timeout, 0)
        # Two waits with one deadline: for this process's holder here, for others' in filelock.
        while (other := self._enter(holder)) is not None:
            if time.monotonic() >= deadline:
                raise Locked(self._name, other)
            time.sleep(_POLL)
        try:
            self._take(max(deadline - time.monotonic(), patience))
        except BaseException:
            self.release()
            raise

    def _enter(self, holder: Holder) -> Holder | None:
        with _held_guard:
            other = _held.get(self._key)
            if other is not None:
                return other.holder
            self.holder = holder
            self._pid = os.getpid()
            _held[self._key] = self
            return None

    def _take(self, patience: float) -> None:
        from filelock import Timeout, UnixFileLock  # 40 ms, which readers don't need

        require_file(self._place)
        opened: list[int] = []  # a bound method instead would keep a forgotten lock alive
        self._file = UnixFileLock(
            self.path,
            mode=PRIVATE_FILE,
            thread_local=False,
            fallback_to_soft=False,
            # Removed, the file would let a newcomer lock another file of the same name.
            preserve_lock_file=True,
            on_acquired=opened.append,
        )
        try:
            try:
                self._wait(patience)
            except Timeout:
                if patience < PATIENCE or not is_only_probed(self._where):
                    raise
                self._wait(_AMONG_PROBES)
        except Timeout as error:
            raise Locked(self._name, _written_holder(_content(self._place))) from error
        except OSError as error:
            raise failure("lock", self.path, error) from error
        with translated("lock", self.path):
            self._sign_on(opened[-1])

    def _wait(self, seconds: float) -> None:
        """Take the file's lock, with looks of our own: filelock's are all equally far apart."""
        assert self._file is not None
        deadline = time.monotonic() + seconds
        for pause in pauses(_LONGEST):
            try:
                self._file.acquire(timeout=0)
            except TimeoutError:  # of filelock
                left = deadline - time.monotonic()
                if left <= 0:
                    raise
                time.sleep(min(pause, left))
            else:
                return

    def _sign_on(self, descriptor: int) -> None:
        assert self.holder is not None
        status = os.fstat(descriptor)
        self._identity = status.st_dev, status.st_ino
        # The library opened the file by its path: nothing is written if that led elsewhere.
        require_in_place(self._where, self._identity, self._name)
        self._before = os.pread(descriptor, _LIMIT, 0)
        self.crashed = _written_holder(self._before)
        self.released_by = _released_holder(self._before)
        self._descriptor = descriptor
        with suppress(OSError):  # a full disk must not prevent cleaning up
            _write(descriptor, self.holder.model_dump_json().encode() + b"\n")

    def check(self) -> None:
        """Check that this process still holds the lock.

        Raises:
            LeaseLost: The lock was released, or its file was removed or replaced.
        """
        if self._file is None or self._pid != os.getpid():
            raise LeaseLost(self._name, self.path, "was released")
        require_in_place(self._where, self._identity, self._name)

    def release(self, *, undo: bool = False) -> None:
        """Release the lock. Later calls have no effect.

        `undo` restores the file's content, so that an unreported crash is not forgotten.
        """
        if self._pid != os.getpid():
            return  # a copy after a fork: the parent holds the lock
        file, self._file = self._file, None
        try:
            if file is not None and file.is_locked:
                self._sign_off(undo)
        finally:
            if file is not None:
                file.release()
            self._leave()

    def _leave(self) -> None:
        with _held_guard:
            if _held.get(self._key) is self:
                del _held[self._key]
        self.holder = None

    def _sign_off(self, undo: bool) -> None:
        if self.holder is None or self._descriptor < 0:
            return
        content = to_json(self.holder.model_dump(mode="json") | {"released": True}) + b"\n"
        try:
            _write(self._descriptor, self._before if undo else content)
        except OSError:
            return  # the next holder will report a crash, but the lock is free
        finally:
            self._descriptor = -1


def _write(descriptor: int, content: bytes) -> None:
    """Replace the content of a file so that the first line is readable after an interruption, too."""
    os.pwrite(descriptor, content, 0)
    os.ftruncate(descriptor, len(content))


def _written_holder(content: bytes) -> Holder | None:
    try:
        return Holder.model_validate_json(content.split(b"\n", 1)[0])
    except ValidationError:  # a released holder has one more key
        return None


def _released_holder(content: bytes) -> Holder | None:
    try:
        found = from_json(content.split(b"\n", 1)[0])
        if isinstance(found, dict) and found.pop("released", False) is True:
            return Holder.model_validate(found)
    except ValueError:  # includes pydantic's
        pass
    return None


def _content(path: OwnPath) -> bytes:
    with translated("read", path):
        descriptor = path.open(os.O_RDONLY)
        try:
            return os.pread(descriptor, _LIMIT, 0)
        finally:
            os.close(descriptor)


def read_holder(path: AnyPath) -> Holder | None:
    """Return the holder of a lock, or None if the lock is free. Never waits or creates the file.

    A holder whose identity is not written yet, or is unreadable, has pid 0.

    Raises:
        StorageError: The lock file can't be read.
    """
    with translated("read", path):
        try:
            descriptor = OwnPath.of(path).open(os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return _holding(descriptor) if is_held(descriptor) else None
        finally:
            os.close(descriptor)


def _holding(descriptor: int) -> Holder:
    """Return the holder of a locked file: as written in the file, unless the kernel names another."""
    status = os.fstat(descriptor)
    since = from_timestamp(status.st_mtime)
    written = _written_holder(os.pread(descriptor, _LIMIT, 0)) or _unknown(since)
    owner = kernel_owner(status)
    elsewhere = written.pid and written.pid_namespace != Holder.current().pid_namespace
    if owner is None or owner == written.pid or elsewhere:
        return written
    return Holder.of(owner, since)


def _unknown(since: datetime) -> Holder:
    return Holder(pid=0, host="unknown", user="unknown", command="", since=since)
