"""Artifacts as files of a directory, where a store of files takes in environments from a database."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from environments.artifacts.errors import ArtifactMissing
from environments.system.files import OwnPath, make_directories, remove_tree, rename, sync_directory


@dataclass(frozen=True, slots=True)
class ArtifactDirectory:
    """Artifacts in files that are named after their digests.

    Attributes:
        directory: The directory; it is made by the first `put`.
    """

    directory: OwnPath

    @classmethod
    def beside(cls, root: Path) -> ArtifactDirectory:
        """Return the artifacts of a data directory."""
        return cls(OwnPath(root) / ".artifacts")

    def put(self, digest: str, file: BinaryIO) -> None:
        """Store the content of a file under its SHA-256, completely or not at all."""
        if (self.directory / digest).is_file():
            return
        make_directories(self.directory)
        new = self.directory / f".new-{uuid4().hex}"
        try:
            with os.fdopen(new.open(os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as copy:
                shutil.copyfileobj(file, copy)
                copy.flush()
                os.fsync(copy.fileno())
            rename(new, self.directory / digest)
        except BaseException:
            remove_tree(new)
            raise
        sync_directory(self.directory)

    def get(self, digest: str, file: BinaryIO) -> None:
        """Write the content of an artifact to a file; `unpack` compares it with the digest.

        Raises:
            ArtifactMissing: There is none.
        """
        try:
            with os.fdopen((self.directory / digest).open(os.O_RDONLY), "rb") as source:
                shutil.copyfileobj(source, file)
        except FileNotFoundError:
            raise ArtifactMissing(digest, str(self.directory)) from None

    def drop(self, digest: str) -> None:
        """Delete an artifact. A missing artifact is no error."""
        remove_tree(self.directory / digest)
