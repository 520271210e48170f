"""Uploaded archives: unpacked, verified, and renamed to a release."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from uuid import uuid4

from .files import remove, sync, write
from .refused import Refused
from .releases import Entries, entries, identity

_ARCHIVE = "release.tar.gz"


def stage(root: Path, *, room: int) -> str:
    """Make a directory for an upload that only the SSH user may write to, and return the archive's path.

    Raises:
        Refused: The file system has less than `room` bytes left.
    """
    root.mkdir(parents=True, exist_ok=True)
    free = os.statvfs(root)
    if free.f_bavail * free.f_frsize < room:
        raise Refused("file_system", f"{root}: no space left for {room} bytes; free some, then try again")
    place = root / "incoming"
    remove(place)
    place.mkdir(mode=0o700)
    if "SUDO_UID" in os.environ:
        # SFTP writes as the user who logged in, also where this program runs as root by sudo.
        os.chown(place, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]))
    return str(place / _ARCHIVE)


def unpack(root: Path, *, content: Entries) -> None:
    """Make a release of the staged archive, durably: the release is complete, or absent.

    Raises:
        Refused: The archive differs from `content`, or a path leads out of the release.
    """
    releases = root / "releases"
    releases.mkdir(exist_ok=True)
    for leftover in releases.glob(".new-*"):
        remove(leftover)
    draft = releases / f".new-{uuid4().hex}"
    draft.mkdir()
    try:
        _extract(root / "incoming" / _ARCHIVE, draft)
        if entries(draft, content) != content:
            raise Refused("file_system", "the upload is damaged, or the application was changed meanwhile")
        os.sync()  # once for all files: cheaper than an fsync for each
        _put_in_place(draft, releases, content)
    finally:
        remove(draft)
        discard(root)


def discard(root: Path) -> None:
    """Remove the staged archive."""
    remove(root / "incoming")


def _put_in_place(draft: Path, releases: Path, content: Entries) -> None:
    """Rename a draft to a release."""
    name = identity(content)
    remove(releases / f"{name}.json")
    remove(releases / name)
    draft.rename(releases / name)
    sync(releases)
    # Last: without its manifest, a directory does not count as a release.
    write(releases / f"{name}.json", json.dumps(content), 0o644)


def _extract(archive: Path, target: Path) -> None:
    try:
        with tarfile.open(archive, "r:gz", encoding="utf-8") as tar:
            _extract_all(tar, target)
    except (tarfile.TarError, EOFError) as error:
        raise Refused("file_system", f"the archive can't be read: {error}") from error


def _extract_all(tar: tarfile.TarFile, target: Path) -> None:
    members = list(_checked(tar))
    if hasattr(tarfile, "data_filter"):
        tar.extractall(target, members, filter="data")
    else:  # Python before 3.9.17 has no filters; _checked has refused what they would refuse
        tar.extractall(target, members)


def _checked(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield the members of an archive, all of them files and links inside the release.

    Raises:
        Refused: A member is of another kind, or leads out of the release.
    """
    links: set[PurePosixPath] = set()
    for member in tar:
        path = PurePosixPath(member.name)
        if not (member.isreg() or member.issym()) or _leaves(path) or links.intersection(path.parents):
            raise Refused("file_system", f"{member.name} can't be part of a release")
        if member.issym():
            if _leaves(path.parent / member.linkname):
                raise Refused("file_system", f"the link {member.name} leads out of its release")
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
