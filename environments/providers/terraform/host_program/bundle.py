"""Bundle: a release that came as one archive, unpacked, verified, and put in place whole."""

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
    """Return where an archive may be put by the user who logs in, and by nobody else.

    Raises:
        Refused: There is no room for it.
    """
    root.mkdir(parents=True, exist_ok=True)
    free = os.statvfs(root)
    if free.f_bavail * free.f_frsize < room:
        raise Refused("file_system", f"{root}: no space left for {room} bytes; free some, then try again")
    place = root / "incoming"
    remove(place)
    place.mkdir(mode=0o700)
    if "SUDO_UID" in os.environ:  # whoever became root by sudo
        os.chown(place, int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"]))
    return str(place / _ARCHIVE)


def unpack(root: Path, *, content: Entries) -> None:
    """Put what was staged in place as a release, durably: it is there whole, or not at all.

    Raises:
        Refused: It is not what was announced, or leads out of its directory.
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
            raise Refused("file_system", "it did not arrive as it was sent, or was changed meanwhile")
        os.sync()
        _put_in_place(draft, releases, content)
    finally:
        remove(draft)
        discard(root)


def discard(root: Path) -> None:
    """Remove what was staged."""
    remove(root / "incoming")


def _put_in_place(draft: Path, releases: Path, content: Entries) -> None:
    """Rename a draft to a release; the manifest, which makes it one, comes last."""
    name = identity(content)
    remove(releases / f"{name}.json")
    remove(releases / name)
    draft.rename(releases / name)
    sync(releases)
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
    else:
        tar.extractall(target, members)


def _checked(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yield files and links, none of which leaves the directory, whatever Python does about that."""
    links: set[PurePosixPath] = set()
    for member in tar:
        path = PurePosixPath(member.name)
        if not (member.isreg() or member.issym()) or _leaves(path) or links.intersection(path.parents):
            raise Refused("file_system", f"{member.name} has no place in a release")
        if member.issym():
            if _leaves(path.parent / member.linkname):
                raise Refused("file_system", f"the link {member.name} leads out of its release")
            links.add(path)
        yield member


def _leaves(path: PurePosixPath) -> bool:
    depth = 0
    for part in path.parts:
        depth += -1 if part == ".." else 1
        if depth < 0 or part == "/":
            return True
    return False
