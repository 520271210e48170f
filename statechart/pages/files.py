"""Pictures in files of their own, beside the pages that show them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from statechart.errors import PageError
from statechart.storage.disk import replace_file

_OURS = re.compile(b'class="chart[ "]')
"""A word at the beginning of our own pictures: another file is not replaced."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """The file of a picture.

    Attributes:
        now: The present content, or None if there is no file.
        fresh: The content that the chart gives.
    """

    path: Path
    now: bytes | None
    fresh: bytes

    @property
    def is_fresh(self) -> bool:
        """Whether the file is up to date."""
        return self.now == self.fresh

    def diff(self) -> str:
        """Return a line that names the file, if it is missing or stale."""
        if self.is_fresh:
            return ""
        return f"{self.path}: the picture is {'missing' if self.now is None else 'stale'}\n"


def picture_file(path: Path, fresh: bytes) -> PictureFile:
    """Return the file of a picture, as it is and as it should be.

    Raises:
        ValueError: The file can't be read, or is not a picture of ours.
    """
    try:
        now = path.read_bytes()
    except FileNotFoundError:
        return PictureFile(path, None, fresh)
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from error
    if now and not _OURS.search(now[:200]):
        raise ValueError(
            f"{path} is there, and is not a picture of a chart: remove it, or choose another file=NAME.svg"
        )
    return PictureFile(path, now, fresh)


def write_file(path: Path, fresh: bytes, new: int) -> None:
    """Write a page or a picture: all of it, or nothing.

    Args:
        path: The file.
        fresh: Its content.
        new: The permissions of a new file.

    Raises:
        PageError: The file is read-only, or can't be written.
    """
    try:
        mode = mode_of(path) if path.exists() else new
        path.parent.mkdir(parents=True, exist_ok=True)
        # The link's target is replaced, so that a symbolic link stays a link.
        replace_file(path.resolve(), fresh, mode=mode)
    except OSError as error:
        raise PageError(path, None, f"it can't be written: {error.strerror}") from error


def mode_of(path: Path) -> int:
    """Return the permissions of a file that may be written.

    Raises:
        PageError: The file is read-only.
        OSError: There is no such file.
    """
    mode = path.stat().st_mode & 0o7777
    # A rename would replace the file without asking for write permission.
    if not mode & 0o222:
        raise PageError(path, None, f"it is read-only: chmod u+w {path}")
    return mode
