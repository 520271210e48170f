"""A model of a disk: what a power cut may leave of recorded operations, as far as POSIX allows.

What was written to a file is sure after that file's fsync; a name, after its directory's. Everything
else may or may not be there, each on its own, and a write may be there in part, or as zeros.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import statechart.storage.directories as creation

ROOT = 0
"""The number of the recorded directory itself."""


@dataclass(frozen=True)
class Write:
    inode: int
    offset: int
    data: bytes


@dataclass(frozen=True)
class Size:
    inode: int
    size: int
    grow: bool = False


@dataclass(frozen=True)
class Name:
    """A name came to stand for an inode (None: for nothing), another one perhaps no more."""

    directory: int
    name: str
    inode: int | None
    was: tuple[int, str] | None = None


@dataclass(frozen=True)
class Sync:
    inode: int


@dataclass(frozen=True)
class Told:
    """Somebody was told that something is on disk."""

    what: str
    number: int = 0


Operation = Write | Size | Name | Sync | Told


@dataclass
class Recording:
    """The operations of a run on a directory that was empty, and which inodes are directories."""

    operations: list[Operation] = field(default_factory=list)
    directories: set[int] = field(default_factory=lambda: {ROOT})

    def told(self, what: str, number: int = 0) -> None:
        self.operations.append(Told(what, number))


class Recorder:
    """Records what this process asks of the operating system below a directory, by taking the place of os's
    functions while it does."""

    def __init__(self, root: Path) -> None:
        self.root = str(root)
        self.recording = Recording()
        self._inodes: dict[tuple[int, int], int] = {self._key(os.stat(root)): ROOT}
        self._descriptors: dict[int, tuple[int, int]] = {}

    @staticmethod
    def _key(status: os.stat_result) -> tuple[int, int]:
        return status.st_dev, status.st_ino

    def _inode(self, status: os.stat_result, *, new: bool = False) -> int:
        key = self._key(status)
        if new or key not in self._inodes:
            self._inodes[key] = len(self.recording.directories) + len(self._inodes) + 1000
        return self._inodes[key]

    def _place(self, path: Any, dir_fd: int | None = None) -> tuple[int, str] | None:
        """Return directory and name of a path below the root; None for another."""
        text = os.fsdecode(path)
        if dir_fd is not None:
            return (
                (self._inode(os.fstat(dir_fd)), text)
                if self._inside(os.readlink(f"/proc/self/fd/{dir_fd}"))
                else None
            )
        text = os.path.abspath(text)
        if not self._inside(text) or text == self.root:
            return None
        return self._inode(os.stat(os.path.dirname(text))), os.path.basename(text)

    def _inside(self, path: str) -> bool:
        return path == self.root or path.startswith(self.root + "/")

    def _add(self, operation: Operation) -> None:
        self.recording.operations.append(operation)

    @contextmanager
    def recording_calls(self) -> Iterator[Recording]:
        """Record until the end of the block."""
        names = (
            "open",
            "write",
            "ftruncate",
            "posix_fallocate",
            "fsync",
            "fdatasync",
            "rename",
            "unlink",
            "mkdir",
            "rmdir",
            "link",
        )
        real = {name: getattr(os, name) for name in names}
        exclusively = creation.rename_exclusively
        for name in names:
            setattr(os, name, self._wrapped(name, real[name]))
        creation.rename_exclusively = lambda a, b: self._renamed(exclusively, a, b)
        try:
            yield self.recording
        finally:
            creation.rename_exclusively = exclusively
            for name, function in real.items():
                setattr(os, name, function)

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        recorded = getattr(self, f"_{name}")
        return lambda *args, **options: recorded(real, *args, **options)

    def _renamed(self, real: Callable[..., Any], source: Any, target: Any, **options: Any) -> Any:
        was, place = self._place(source), self._place(target)
        inode = self._inode(os.lstat(source)) if place else 0
        result = real(source, target, **options)
        if place and was:
            self._add(Name(*place, inode, was))
        return result

    _rename = _renamed

    def _open(self, real: Callable[..., Any], path: Any, flags: int, *args: Any, **options: Any) -> int:
        place = (
            self._place(path, options.get("dir_fd"))
            if isinstance(path, str | bytes | os.PathLike)
            else None
        )
        there = place is None or os.path.lexists(path)
        descriptor: int = real(path, flags, *args, **options)
        if place and not there:
            self._add(Name(*place, self._inode(os.fstat(descriptor), new=True)))
        elif place and flags & os.O_TRUNC:
            self._add(Size(self._inode(os.fstat(descriptor)), 0))
        return descriptor

    def _known(self, descriptor: int) -> int | None:
        return self._inodes.get(self._key(os.fstat(descriptor)))

    def _write(self, real: Callable[..., Any], descriptor: int, data: bytes) -> int:
        inode = self._known(descriptor)
        append = inode is not None and _appends(descriptor)
        offset = (
            os.fstat(descriptor).st_size if append else _position(descriptor) if inode is not None else 0
        )
        written: int = real(descriptor, data)
        if inode is not None:
            self._add(Write(inode, offset, bytes(data[:written])))
        return written

    def _ftruncate(self, real: Callable[..., Any], descriptor: int, size: int) -> None:
        real(descriptor, size)
        inode = self._known(descriptor)
        if inode is not None:
            self._add(Size(inode, size))

    def _posix_fallocate(self, real: Callable[..., Any], descriptor: int, offset: int, size: int) -> None:
        real(descriptor, offset, size)
        inode = self._known(descriptor)
        if inode is not None:
            self._add(Size(inode, offset + size, grow=True))

    def _fsync(self, real: Callable[..., Any], descriptor: int) -> None:
        real(descriptor)
        inode = self._known(descriptor)
        if inode is not None:
            self._add(Sync(inode))

    _fdatasync = _fsync

    def _unlink(self, real: Callable[..., Any], path: Any, *, dir_fd: int | None = None) -> None:
        place = self._place(path, dir_fd)
        real(path, dir_fd=dir_fd)
        if place:
            self._add(Name(*place, None))

    def _rmdir(self, real: Callable[..., Any], path: Any, *, dir_fd: int | None = None) -> None:
        place = self._place(path, dir_fd)
        real(path, dir_fd=dir_fd)
        if place:
            self._add(Name(*place, None))

    def _mkdir(self, real: Callable[..., Any], path: Any, *args: Any, **options: Any) -> None:
        place = self._place(path, options.get("dir_fd"))
        real(path, *args, **options)
        if place:
            inode = self._inode(os.stat(path), new=True)
            self.recording.directories.add(inode)
            self._add(Name(*place, inode))

    def _link(self, real: Callable[..., Any], source: Any, target: Any, **options: Any) -> None:
        place = self._place(target)
        real(source, target, **options)
        if place:
            self._add(Name(*place, self._inode(os.lstat(target))))


def _appends(descriptor: int) -> bool:
    import fcntl

    return bool(fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND)


def _position(descriptor: int) -> int:
    return os.lseek(descriptor, 0, os.SEEK_CUR)


Contents = dict[int, bytearray]
Names = dict[int, dict[str, int]]


@dataclass
class Disk:
    """Files and directories, by their numbers."""

    files: Contents = field(default_factory=dict)
    names: Names = field(default_factory=lambda: {ROOT: {}})

    def apply(self, operation: Operation) -> None:
        match operation:
            case Write(inode, offset, data):
                content = self.files.setdefault(inode, bytearray())
                content.extend(b"\0" * (offset + len(data) - len(content)))
                content[offset : offset + len(data)] = data
            case Size(inode, size, grow):
                content = self.files.setdefault(inode, bytearray())
                content.extend(b"\0" * (size - len(content)))
                if not grow:
                    del content[size:]
            case Name(directory, name, inode, was):
                if was is not None:
                    self.names.setdefault(was[0], {}).pop(was[1], None)
                entries = self.names.setdefault(directory, {})
                if inode is None:
                    entries.pop(name, None)
                else:
                    entries[name] = inode

    def written_to(self, directory: Path, directories: set[int], inode: int = ROOT) -> None:
        """Make it real."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, each in self.names.get(inode, {}).items():
            if each in directories:
                self.written_to(directory / name, directories, each)
            else:
                (directory / name).write_bytes(bytes(self.files.get(each, b"")))

    def tree(self, directories: set[int], inode: int = ROOT) -> tuple[Any, ...]:
        """Return all that can be seen of it, for telling states apart."""
        return tuple(
            (
                name,
                self.tree(directories, each) if each in directories else bytes(self.files.get(each, b"")),
            )
            for name, each in sorted(self.names.get(inode, {}).items())
        )


def sure(operations: Sequence[Operation], at: int) -> bool:
    """Return whether an operation is on disk for sure, after all that follow it."""
    operation = operations[at]
    later = {each.inode for each in operations[at + 1 :] if isinstance(each, Sync)}
    match operation:
        case Write(inode) | Size(inode):
            return inode in later
        case Name(directory, _, _, was):
            return directory in later or (was is not None and was[0] in later)
    return True


def crashes(recording: Recording, upto: int, most: int = 3) -> Iterator[Disk]:
    """Yield what a power cut after `upto` operations may leave, with up to `most` of what is not sure lost,
    torn or zero; and with all of it lost."""
    operations = recording.operations[:upto]
    pending = [at for at in range(upto) if not sure(operations, at)]
    recent = pending[-8:]
    lost = [set(each) for count in range(most + 1) for each in combinations(recent, count)]
    for missing in (*lost, set(pending)):
        yield _replayed(operations, missing, {})
    for at in recent:
        operation = operations[at]
        if isinstance(operation, Write) and len(operation.data) > 1:
            half = operation.data[: len(operation.data) // 2]
            for torn in (
                half,
                b"\0" * len(operation.data),
                half + b"\0" * (len(operation.data) - len(half)),
            ):
                yield _replayed(operations, set(), {at: torn})


def _replayed(operations: Sequence[Operation], missing: set[int], torn: dict[int, bytes]) -> Disk:
    disk = Disk()
    for at, operation in enumerate(operations):
        if at in torn and isinstance(operation, Write):
            disk.apply(Write(operation.inode, operation.offset, torn[at]))
        elif at not in missing:
            disk.apply(operation)
    return disk
