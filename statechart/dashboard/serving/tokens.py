"""Tokens that are kept in a file, for a dashboard that starts by itself."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from statechart.dashboard.serving.errors import UnusableToken

_BYTES: Final = 32
_FIT: Final = re.compile(r"[A-Za-z0-9_-]{32,200}")
_LARGEST: Final = 1024  # bytes that are read of the file


def kept_token(path: Path) -> str:
    """Return the token in a file, which only its owner may read; make the file if it is missing.

    Raises:
        UnusableToken: The file is another's, others may read it, or it holds no token.
    """
    try:
        if not os.path.lexists(path):
            _make(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise UnusableToken(path, "it is no regular file")
            if found.st_uid != os.geteuid():
                raise UnusableToken(path, "it belongs to another user")
            if found.st_mode & 0o077:
                raise UnusableToken(path, f"others may read it: chmod 600 {path}")
            text = file.read(_LARGEST).decode("ascii", "replace").strip()
    except OSError as error:
        is_link = error.errno == errno.ELOOP
        problem = "it is a link" if is_link else error.strerror or str(error)
        raise UnusableToken(path, problem) from error
    if _FIT.fullmatch(text) is None:
        raise UnusableToken(path, f"it holds no token of 32 or more letters and digits: remove {path}")
    return text


def _make(path: Path) -> None:
    """Write a new token, whole or not at all; a file that is there stays."""
    descriptor, written = tempfile.mkstemp(prefix=".token-", dir=path.parent)  # for its owner only
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{secrets.token_urlsafe(_BYTES)}\n")
        with suppress(FileExistsError):
            os.link(written, path)
    finally:
        os.unlink(written)
