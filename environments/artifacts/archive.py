"""Archives of directories: the same bytes for the same files, on every machine."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Final

from environments.artifacts.errors import ArtifactAltered, CannotPack, TooLarge
from environments.errors import StepFailed

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from environments.artifacts.trees import Tree

LIMIT: Final = 256 * 1024 * 1024
"""The largest archive, in bytes."""

_BLOCK = 1024 * 1024
_ATTEMPTS = 3
_NAMED = 5  # of the largest files, in a message


@dataclass(frozen=True, slots=True)
class Packed:
    """An archive that was written.

    Attributes:
        digest: The SHA-256 of the archive, in hexadecimal.
        size: Its size in bytes.
        files: The number of files and links.
    """

    digest: str
    size: int
    files: int


class _Changed(Exception):
    """A file changed while it was read."""


class _Hashed(io.RawIOBase):
    """A file object that counts and hashes the written bytes."""

    def __init__(self, file: BinaryIO | None) -> None:
        self._file = file
        self.digest = sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, content: Buffer, /) -> int:
        self.digest.update(content)
        size = memoryview(content).nbytes
        self.size += size
        if self._file is not None:
            self._file.write(content)
        return size


def pack(tree: Tree, file: BinaryIO | None, *, limit: int = LIMIT) -> Packed:
    """Write the files of a tree to an archive. Without a file, only the digest is computed.

    Names, content, links and whether a file is executable are kept; times, owners and other modes are
    not, so that they don't change the digest.

    Raises:
        CannotPack: A file can't be read, is of a kind that can't travel, or keeps changing.
        TooLarge: The archive would be larger than the limit.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        if file is not None:
            file.seek(0)
            file.truncate()
        try:
            return _written(tree, file, limit)
        except _Changed as changed:
            if attempt == _ATTEMPTS:
                raise CannotPack(
                    tree.what,
                    tree.root,
                    f"{changed} changes while it is copied; try again when it is at rest",
                ) from None
        except StepFailed as failed:  # of the provider, about a file that can't travel
            raise CannotPack(tree.what, tree.root, failed.summary) from failed
        except OSError as error:
            problem = f"{error.filename or tree.root} can't be read: {error.strerror or error}"
            raise CannotPack(tree.what, tree.root, problem) from error
    raise AssertionError("unreachable: the last attempt returns or raises")


def digest_of(tree: Tree) -> str:
    """Return the digest of the archive that `pack` would write; the exceptions are those of `pack`."""
    return pack(tree, None).digest


def _written(tree: Tree, file: BinaryIO | None, limit: int) -> Packed:
    out = _Hashed(file)
    paths = _by_name(tree)
    # A stream, which is never read or sought: the hash has to see each byte once, in order.
    with tarfile.open(
        fileobj=out, mode="w|", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape"
    ) as tar:
        for name, path in paths:
            # Before it is read: a temporary file should not grow with a file of any size.
            if out.size + path.lstat().st_size > limit:
                raise TooLarge(tree.what, tree.root, limit, _largest(paths))
            _add(tar, name, path, links=tree.links)
    if out.size > limit:
        raise TooLarge(tree.what, tree.root, limit, _largest(paths))
    return Packed(out.digest.hexdigest(), out.size, len(paths))


def _by_name(tree: Tree) -> list[tuple[str, Path]]:
    return sorted((path.relative_to(tree.root).as_posix(), path) for path in tree.files())


def _add(tar: tarfile.TarFile, name: str, path: Path, *, links: bool) -> None:
    # Not tar.gettarinfo: times, owner, group and umask of this machine stay out of the archive.
    entry = tarfile.TarInfo(name)
    if links and path.is_symlink():
        entry.type, entry.linkname = tarfile.SYMTYPE, os.fspath(path.readlink())
        tar.addfile(entry)
        return
    # O_NONBLOCK: a FIFO in the place of a file would be waited for.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode):
            raise OSError(0, "it is neither a file nor a link", str(path))
        entry.mode = 0o755 if before.st_mode & 0o111 else 0o644
        entry.size = before.st_size
        try:
            tar.addfile(entry, file)
        except OSError as error:
            if error.errno is None:  # tarfile's own: the file became shorter
                raise _Changed(path) from error
            raise
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise _Changed(path)


def _largest(paths: Iterable[tuple[str, Path]]) -> list[tuple[str, int]]:
    sizes = [(name, path.lstat().st_size) for name, path in paths if path.exists() or path.is_symlink()]
    return sorted(sizes, key=lambda each: (-each[1], each[0]))[:_NAMED]


def require_digest(archive: BinaryIO, digest: str) -> None:
    """Check the digest of an archive, and go to its beginning.

    Raises:
        ArtifactAltered: The archive has another digest.
    """
    archive.seek(0)
    found = sha256()
    while block := archive.read(_BLOCK):
        found.update(block)
    if found.hexdigest() != digest:
        raise ArtifactAltered(digest, f"its content has the digest {found.hexdigest()[:12]}…")
    archive.seek(0)


def unpack(archive: BinaryIO, digest: str, target: Path) -> None:
    """Unpack an archive to a new directory, after verifying its digest.

    Raises:
        ArtifactAltered: The archive has another digest, or holds an entry that leads out of the directory.
        OSError: The directory can't be written.
    """
    require_digest(archive, digest)
    with (
        _translated(digest),
        tarfile.open(fileobj=archive, mode="r:", encoding="utf-8", errors="surrogateescape") as tar,
    ):
        members = list(_checked(tar, digest))
        # By hand, not by extractall: the names of bytes that are no UTF-8 survive, and times don't.
        target.mkdir(mode=0o700)
        for member in members:
            _extract(tar, member, target)


@contextmanager
def _translated(digest: str) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError) as error:
        raise ArtifactAltered(digest, f"it is no archive: {error}") from error


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    place = target / member.name
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if member.issym():
        place.symlink_to(member.linkname)
        return
    source = tar.extractfile(member)
    assert source is not None, "checked: a regular file"
    mode = 0o700 if member.mode & 0o111 else 0o600
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    with source, os.fdopen(os.open(place, flags, mode), "wb") as file:
        while block := source.read(_BLOCK):
            file.write(block)


def _checked(tar: tarfile.TarFile, digest: str) -> Iterator[tarfile.TarInfo]:
    """Yield the members of an archive, all of them files and links inside the directory."""
    links: set[PurePosixPath] = set()
    for member in tar:
        path = PurePosixPath(member.name)
        is_known = member.isreg() or member.issym()
        if not is_known or not path.parts or _leaves(path) or links.intersection((path, *path.parents)):
            raise ArtifactAltered(digest, f"{member.name!r} can't be part of it")
        if member.issym():
            if _leaves(path.parent / member.linkname):
                raise ArtifactAltered(digest, f"the link {member.name!r} leads out of it")
            links.add(path)
        yield member


def _leaves(path: PurePosixPath) -> bool:
    """Return whether a path leads out of its directory at any point."""
    depth = 0
    for part in path.parts:
        depth += -1 if part == ".." else 1
        if depth < 0 or part == "/":
            return True
    return False
