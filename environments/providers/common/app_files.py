"""Scan and copy the files of an application."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from environments.errors import StepFailed
from environments.model.fields.failure_cause import FailureCause
from environments.model.observation import Source
from environments.providers.common.failures import certainly
from environments.system.files import OwnPath, make_directories

# Files that belong to a developer's machine: they change without a change of the application.
_IGNORED = {".git", "__pycache__", ".venv"}
_LOCKS = ".locks"  # every data directory has it
_BLOCK = 1024 * 1024
DEEPEST = 100
"""How deep directories may be nested: far less than what can't be removed again."""
_ID_LENGTH = 12
_SETTLED = 2_000_000_000  # nanoseconds: the coarsest clock of a file system
_MOST_DIGESTS = 100_000
# A command looks at the application several times: as it plans, as it runs, and to explain a failure.
_digests: dict[tuple[int, ...], str] = {}


@dataclass(frozen=True, slots=True)
class Manifest:
    """The entries of a release: by relative path, the kind of each and the digest of its content."""

    entries: dict[str, str]

    @property
    def id(self) -> str:
        """The name of a release with this content."""
        # Names need not be UTF-8; a NUL can't be part of one, so the joined text is unambiguous.
        lines = (f"{entry} {name}" for name, entry in sorted(self.entries.items()))
        return sha256("\0".join(lines).encode(errors="surrogateescape")).hexdigest()[:_ID_LENGTH]


def scan(
    source: Path,
    leave_out: Path,
    *,
    copy_to: OwnPath | None = None,
    wanted: Callable[[], bool] = lambda: True,
) -> Manifest:
    """Read the directory of an application, and copy it if a destination is given.

    Args:
        source: The directory.
        leave_out: A directory inside of it that is skipped.
        copy_to: The destination of a copy.
        wanted: Called before each file; False cancels the scan.

    Raises:
        StepFailed: The source is not a directory, holds no file, or holds an entry that can't be
            released; or the scan was cancelled.
    """
    if not certainly(source.is_dir):
        raise _unfit(f"{source} is not a directory", "name the application's directory with --app")
    entries: dict[str, str] = {}
    made: set[OwnPath] = set()
    left_out = leave_out.resolve()
    for path in _walk(source, lambda directory: directory.resolve() == left_out):
        if not wanted():
            raise StepFailed(FailureCause.CANCELLED, f"reading {source} was cancelled")
        name = path.relative_to(source).as_posix()
        if problem := _unfit_entry(path, source):
            raise _unfit(*problem)
        copy = copy_to / name if copy_to is not None else None
        if copy is not None and copy.parent not in made:
            make_directories(copy.parent)
            made.add(copy.parent)
        entries[name] = entry_of(OwnPath(source) / name, copy)
    if not entries:
        raise _unfit(f"{source} holds no files", "put the application there")
    return Manifest(entries)


def files_of(app: Path) -> Iterator[Path]:
    """Yield the files and links of an application; data directories are skipped.

    Raises:
        StepFailed: An entry can't be released, as with `scan`.
    """
    for path in _walk(app, lambda directory: (directory / _LOCKS).is_dir()):
        if problem := _unfit_entry(path, app):
            raise _unfit(*problem)
        yield path


def source_of(app: Path, leave_out: Path) -> Source | None:
    """Return an application's directory and the release that it would become; None if it can't be read."""
    try:
        found = scan(app, leave_out)
        return Source(app, found.id, found.entries)
    except (OSError, StepFailed):
        return None


def unfit(app: Path) -> str | None:
    """Return a reason why the files of an application can't be released, or None if there is none.

    A data directory inside is skipped, as it will be in a release.
    """
    try:
        for path in _walk(app, lambda directory: (directory / _LOCKS).is_dir()):
            if problem := _unfit_entry(path, app):
                return "; ".join(problem)
    except OSError:
        return None  # told by the release, if it needs what can't be read
    return None


def _walk(source: Path, is_left_out: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield files, links, and directories that lie too deep, sorted by name in each directory."""
    # Without recursion, since directories may be nested deeper than calls.
    left = [(source, True)]
    while left:
        path, is_directory = left.pop()
        if not is_directory or _is_deep(path, source):
            yield path
        elif path == source or not is_left_out(path):
            with os.scandir(path) as entries:
                found = sorted(entries, key=lambda entry: entry.name, reverse=True)
            left += [
                (Path(entry.path), entry.is_dir(follow_symlinks=False))
                for entry in found
                if entry.name not in _IGNORED and not entry.name.endswith(".pyc")
            ]


def _is_deep(path: Path, source: Path) -> bool:
    return len(path.parts) - len(source.parts) > DEEPEST


def _unfit_entry(path: Path, source: Path) -> tuple[str, str] | None:
    """Return why an entry can't be released, and what to do, or None."""
    if _is_deep(path, source):
        place = path.relative_to(source).parts[0]
        return f"{source / place} holds directories in directories, more than {DEEPEST} deep", "remove them"
    # A release is moved and served elsewhere: a link must mean the same there as here.
    if path.is_symlink():
        target = path.readlink()
        inside = (path.parent / target).resolve().is_relative_to(source.resolve())
        if target.is_absolute() or not inside:
            return f"the link {path} points outside, to {target}", "remove it, or copy its target"
    elif not path.is_file():
        return f"{path} is neither a file nor a link", "remove it"
    return None


def entry_of(path: OwnPath, copy: OwnPath | None) -> str:
    """Return the kind of an entry and the digest of its content; copy the entry if a path is given.

    Raises:
        FileNotFoundError: There is no entry.
        NotOurs: The path leads through a link.
    """
    with path.reached() as (directory, name):
        mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
        target = os.readlink(name, dir_fd=directory) if stat.S_ISLNK(mode) else None
    if target is not None:
        if copy is not None:
            with copy.reached() as (directory, name):
                os.symlink(target, name, dir_fd=directory)
        return f"link {sha256(os.fsencode(target)).hexdigest()}"
    if not stat.S_ISREG(mode):
        return "other"
    executable = bool(mode & 0o111)
    with os.fdopen(path.open(os.O_RDONLY), "rb") as file:
        found = _digest_of(file, copy, 0o700 if executable else 0o600)
    return f"{'program' if executable else 'file'} {found}"


def _digest_of(file: BinaryIO, copy: OwnPath | None, mode: int) -> str:
    """Return the digest of a file's content; copy the file with a mode if a path is given."""
    before = _identity(file)
    if copy is None and (known := _digests.get(before)) is not None:
        return known
    # Digest and copy see the same bytes, also when the file changes while it is read.
    digest = sha256()
    if copy is None:
        while block := file.read(_BLOCK):
            digest.update(block)
    else:
        _copy(file.read, copy, digest.update, mode)
    # A later change within the same tick of the file system's clock would not show.
    if before == _identity(file) and time.time_ns() - max(before[-2:]) > _SETTLED:
        if len(_digests) >= _MOST_DIGESTS:
            _digests.clear()
        _digests[before] = digest.hexdigest()
    return digest.hexdigest()


def _identity(file: BinaryIO) -> tuple[int, ...]:
    """Return the facts of a file that differ after each change of its content; the last two are times."""
    found = os.fstat(file.fileno())
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _copy(read: Callable[[int], bytes], copy: OwnPath, seen: Callable[[bytes], None], mode: int) -> None:
    descriptor = copy.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as out:
        while block := read(_BLOCK):
            seen(block)
            out.write(block)


def _unfit(problem: str, advice: str) -> StepFailed:
    return StepFailed(FailureCause.CONFIGURATION, f"app: {problem}; {advice}, then release again")
