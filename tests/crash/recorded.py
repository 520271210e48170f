"""Record a program's operations on the files below a directory."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from statechart.storage import directories
from tests.crash.disk_operations import ROOT, Enter, Leave, Mark, Move, Operation, Resize, Sync, Tree, Write

CALLS = (
    *("open", "fdopen", "close", "write", "pwrite", "ftruncate", "posix_fallocate", "fsync", "fdatasync"),
    *("mkdir", "rmdir", "unlink", "link", "rename"),
)


class Killed(BaseException):
    """The recorded process was killed."""


@dataclass(slots=True)
class Recording:
    """The first state, the operations, and the value of each head."""

    base: Tree
    operations: list[Operation] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)

    def replayed(self) -> Tree:
        """Return the state after all operations."""
        tree = self.base.copy()
        for operation in self.operations:
            tree.do(operation)
        return tree


def tree_of(place: Path) -> Tree:
    """Return the files and directories below a directory."""
    tree = Tree()
    nodes = {place: ROOT}
    inodes: dict[int, int] = {}
    for path in sorted(place.rglob("*")):
        nodes[path] = inodes.setdefault(path.stat().st_ino, len(nodes))
        tree.names[nodes[path.parent]][path.name] = nodes[path]
        if path.is_dir():
            tree.names[nodes[path]] = {}
        else:
            tree.files[nodes[path]] = path.read_bytes()
    return tree


class Recorder:
    """Stands between `os` and a program, and records the operations below a directory.

    Attributes:
        recording: The recording so far.
        faults: Errors to raise, once each, by call and file name.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.recording = Recording(tree_of(place))
        self.faults: dict[tuple[str, str], list[OSError]] = {}
        self._live = self.recording.base.copy()
        self._next = 1 + max((*self._live.names, *self._live.files))
        self._left: int | None = None
        self._opened: dict[int, tuple[int, int, str]] = {}
        self._patch = pytest.MonkeyPatch()
        self._real: dict[str, Callable[..., Any]] = {}

    def __enter__(self) -> Recorder:
        for name in CALLS:
            self._real[name] = getattr(os, name)
            self._patch.setattr(os, name, getattr(self, f"_{name}"))
        self._real["exclusively"] = directories.rename_exclusively
        self._patch.setattr(directories, "rename_exclusively", self._rename_exclusively)
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.undo()

    def mark(self, said: str, name: str, head: str | None) -> None:
        """Record a statement to the caller, or an attempt."""
        self.recording.operations.append(Mark(said, name, head))

    @contextmanager
    def killed(self, after: int) -> Iterator[None]:
        """Kill the process after some more operations: later calls are not carried out."""
        self._left = after
        try:
            yield
        except Killed:
            pass
        finally:
            self._left = None

    def _done(self, operation: Operation) -> None:
        self.recording.operations.append(operation)
        self._live.do(operation)
        if self._left is not None:
            self._left -= 1

    def _ask(self, call: str, name: str) -> None:
        if self._left is not None and self._left <= 0:
            raise Killed
        if self.faults.get((call, name)):
            raise self.faults[call, name].pop(0)

    def _found(self, path: Any, dir_fd: int | None = None) -> tuple[int, str] | None:
        """Return the directory and the name of a path, or None for a path that is not recorded."""
        if dir_fd is not None:
            return (self._opened[dir_fd][0], os.fspath(path)) if dir_fd in self._opened else None
        whole = Path(os.path.abspath(path))
        if not whole.is_relative_to(self.place) or whole == self.place:
            return None
        node = ROOT
        for part in whole.relative_to(self.place).parent.parts:
            if part not in self._live.names.get(node, {}):
                return None
            node = self._live.names[node][part]
        return (node, whole.name) if node in self._live.names else None

    def _new(self) -> int:
        self._next += 1
        return self._next

    def _open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        found = self._found(path, dir_fd)
        if found is not None:
            self._ask("open", found[1])
        descriptor: int = self._real["open"](path, flags, mode, dir_fd=dir_fd)
        if found is not None:
            place, name = found
            node = self._live.names[place].get(name)
            if node is None:
                node = self._new()
                self._done(Enter(place, name, node))
            elif flags & os.O_TRUNC:
                self._done(Resize(node, 0))
            self._opened[descriptor] = node, flags, name
        elif dir_fd is None and Path(os.path.abspath(path)) == self.place:
            self._opened[descriptor] = ROOT, flags, ""
        return descriptor

    def _fdopen(self, descriptor: int, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if descriptor not in self._opened:
            return self._real["fdopen"](descriptor, mode, *arguments, **options)
        assert mode == "w"
        return io.TextIOWrapper(io.BufferedWriter(_Raw(descriptor)), **options)  # type: ignore[arg-type]  # all that a writer needs

    def _close(self, descriptor: int) -> None:
        self._opened.pop(descriptor, None)
        self._real["close"](descriptor)

    def _write(self, descriptor: int, data: Any) -> int:
        if descriptor not in self._opened:
            return int(self._real["write"](descriptor, data))
        node, flags, name = self._opened[descriptor]
        self._ask("write", name)
        append = flags & os.O_APPEND
        offset = len(self._live.files[node]) if append else os.lseek(descriptor, 0, os.SEEK_CUR)
        written: int = self._real["write"](descriptor, data)
        self._done(Write(node, offset, bytes(data[:written])))
        return written

    def _pwrite(self, descriptor: int, data: Any, offset: int) -> int:
        written: int = self._on(descriptor, "pwrite", data, offset)
        if descriptor in self._opened:
            self._done(Write(self._opened[descriptor][0], offset, bytes(data[:written])))
        return written

    def _ftruncate(self, descriptor: int, size: int) -> None:
        self._on(descriptor, "ftruncate", size)
        if descriptor in self._opened:
            self._done(Resize(self._opened[descriptor][0], size))

    def _posix_fallocate(self, descriptor: int, offset: int, size: int) -> None:
        self._on(descriptor, "posix_fallocate", offset, size)
        if descriptor in self._opened:
            self._done(Resize(self._opened[descriptor][0], offset + size, grows=True))

    def _fsync(self, descriptor: int) -> None:
        self._on(descriptor, "fsync")
        if descriptor in self._opened:
            self._done(Sync(self._opened[descriptor][0]))

    def _fdatasync(self, descriptor: int) -> None:
        self._on(descriptor, "fdatasync")
        if descriptor in self._opened:
            self._done(Sync(self._opened[descriptor][0]))

    def _on(self, descriptor: int, call: str, *arguments: Any) -> Any:
        if descriptor in self._opened:
            self._ask(call, self._opened[descriptor][2])
        return self._real[call](descriptor, *arguments)

    def _mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        found = self._found(path, dir_fd)
        self._at(found, "mkdir", path, mode, dir_fd=dir_fd)
        if found is not None:
            self._done(Enter(*found, self._new(), directory=True))

    def _rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        found = self._found(path, dir_fd)
        self._at(found, "rmdir", path, dir_fd=dir_fd)
        if found is not None:
            self._done(Leave(*found))

    def _unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        found = self._found(path, dir_fd)
        self._at(found, "unlink", path, dir_fd=dir_fd)
        if found is not None:
            self._done(Leave(*found))

    def _link(self, source: Any, target: Any, **options: Any) -> None:
        found, new = self._both(source, target, options)
        self._at(new, "link", source, target, **options)
        if found is not None and new is not None:
            self._done(Enter(*new, self._live.names[found[0]][found[1]]))

    def _rename(self, source: Any, target: Any, **options: Any) -> None:
        self._move("rename", source, target, **options)

    def _rename_exclusively(self, source: Path, target: Path) -> None:
        self._move("exclusively", source, target)

    def _move(self, call: str, source: Any, target: Any, **options: Any) -> None:
        found, new = self._both(source, target, options)
        self._at(new, call, source, target, **options)
        if found is not None and new is not None:
            self._done(Move(*found, *new, self._live.names[found[0]][found[1]]))

    def _both(self, source: Any, target: Any, options: dict[str, Any]) -> Any:
        here, there = options.get("src_dir_fd"), options.get("dst_dir_fd")
        return self._found(source, here), self._found(target, there)

    def _at(self, found: tuple[int, str] | None, call: str, *arguments: Any, **options: Any) -> None:
        if found is not None:
            self._ask(call, found[1])
        self._real[call](*arguments, **options)


class _Raw(io.RawIOBase):
    """A file whose bytes go through `os`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, content: Any) -> int:
        """Write through `os`."""
        return os.write(self._descriptor, content)

    def close(self) -> None:
        """Close through `os`, once."""
        if not self.closed:
            super().close()
            os.close(self._descriptor)
