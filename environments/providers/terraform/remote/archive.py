"""The archive in which an application is uploaded to a host."""

from __future__ import annotations

import gzip
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.app_files import Manifest
from environments.system.files import OwnPath


def pack(source: Path, manifest: Manifest, archive: OwnPath, wanted: Callable[[], bool]) -> int:
    """Write the files of a manifest to an archive, and return the room that both take on the host.

    The archive is reproducible: order, modes and owners do not depend on this machine.

    Args:
        source: The application's directory.
        manifest: The files to pack.
        archive: The archive to write; only its owner can read it.
        wanted: Called before each file; if false, packing stops.

    Returns:
        The size of the archive and its unpacked files, in bytes.

    Raises:
        StepFailed: Packing was stopped.
    """
    size = 0
    with _opened(archive) as tar:
        for name in sorted(manifest.entries):
            if not wanted():
                raise StepFailed(FailureCause.CANCELLED, f"packing {source} was given up")
            size += _add(tar, source / name, name)
    found = archive.status()
    return size + (found.st_size if found is not None else 0)


@contextmanager
def _opened(archive: OwnPath) -> Iterator[tarfile.TarFile]:
    descriptor = archive.open(os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(descriptor, "wb") as file, _compressed(file) as packed, _tar(packed) as tar:
        yield tar


def _compressed(file: IO[bytes]) -> gzip.GzipFile:
    # No name and no time: gzip would write both into its header, different each time.
    return gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0, compresslevel=6)


def _tar(file: gzip.GzipFile) -> tarfile.TarFile:
    return tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT, encoding="utf-8")


def _add(tar: tarfile.TarFile, path: Path, name: str) -> int:
    # Not tar.gettarinfo: owner, group and umask of this machine stay out of the archive.
    entry = tarfile.TarInfo(name)
    found = path.lstat()
    entry.mtime = int(found.st_mtime)
    if path.is_symlink():
        entry.type, entry.linkname = tarfile.SYMTYPE, os.fspath(path.readlink())
        tar.addfile(entry)
        return 0
    entry.mode = 0o755 if found.st_mode & 0o111 else 0o644
    entry.size = found.st_size
    with path.open("rb") as file:
        tar.addfile(entry, file)
    return entry.size
