"""Unpacked artifacts on this machine, each in a directory named after its digest."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from typing import TYPE_CHECKING, Final

from environments.artifacts.archive import pack, unpack
from environments.artifacts.trees import Tree
from environments.errors import EnvironmentsError
from environments.system.files import OwnPath, make_directories, remove_tree, sync_file_system

if TYPE_CHECKING:
    from environments.ports import CarriesArtifacts

SCRATCH: Final = "ENVCHART_SCRATCH"
"""The variable that names the directory for files which can be fetched again."""

_UNUSED: Final = 7 * 24 * 3600.0  # seconds after which an unpacked artifact is removed
_verified: set[Path] = set()


def scratch() -> Path:
    """Return the directory of this user for files that can be fetched again; it may be missing."""
    given = os.environ.get(SCRATCH)
    if given:
        return Path(given).absolute()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "envchart"


def place_of(digest: str) -> Path:
    """Return the directory in which an artifact is unpacked on this machine."""
    return scratch() / "artifacts" / digest


def unpacked(store: CarriesArtifacts, digest: str) -> Path:
    """Return the directory with the files of an artifact, after fetching the artifact if necessary.

    The files are compared with the digest once in each process, and fetched again if they differ.

    Raises:
        StorageError: The artifact is missing or altered in the store, or the store can't be read.
        OSError: The directory can't be written.
    """
    place = place_of(digest)
    if place in _verified and place.is_dir():
        return place
    if not _holds(place, digest):
        _fetch(store, digest, place)
    _verified.add(place)
    with suppress(OSError):  # the time of the last use
        os.utime(place)
    return place


def _holds(place: Path, digest: str) -> bool:
    """Return whether a directory holds the files of an artifact."""
    if not place.is_dir() or place.is_symlink():
        return False
    try:
        # Links are kept, also those of an archive without links: then there are none.
        tree = Tree("", "", place, place, lambda: _files(place), frozenset(), links=True)
        return pack(tree, None).digest == digest
    except (EnvironmentsError, OSError):
        return False


def _files(directory: Path) -> list[Path]:
    return [
        Path(above) / name
        for above, directories, files in os.walk(directory)
        for name in (*files, *(each for each in directories if (Path(above) / each).is_symlink()))
    ]


def _fetch(store: CarriesArtifacts, digest: str, place: Path) -> None:
    parent = OwnPath(place.parent)
    make_directories(parent)
    _tidy(parent)
    # In a directory of its own first, so that others find all of the files, or none.
    draft = Path(mkdtemp(prefix=".new-", dir=place.parent))
    try:
        with TemporaryFile(dir=draft) as archive:
            store.get(digest, archive)
            unpack(archive, digest, draft / digest)
        sync_file_system(draft)
        if not _holds(place, digest):  # another process may have been faster
            remove_tree(place)
            (draft / digest).rename(place)
    finally:
        remove_tree(draft)


def _tidy(parent: OwnPath) -> None:
    """Remove artifacts that were not used for a week, and what killed processes have left."""
    before = time.time() - _UNUSED
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in list(entries):
            with suppress(OSError):
                if entry.stat(follow_symlinks=False).st_mtime < before:
                    remove_tree(parent / entry.name)
