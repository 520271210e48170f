"""Excerpts of logs and traces for pages: of bounded size, without secrets and control codes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from environments.ports import provider_of
from environments.presentation.log_files import trace_file
from environments.secrets.redaction import clean, redactor
from environments.system.files import OwnPath
from statechart.storage.disk import translated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from environments.model.environment import AnyEnvironment

LIMIT = 131_072
"""How many bytes of a file are read."""

_HEAD = 16_384  # of them, those of a trace's beginning, which says what failed
_LONGEST = 4_000  # characters of a line


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a text.

    Attributes:
        file: The file, or None if there is none.
        text: The part, without secrets and control codes, and with long lines cut.
        size: The size of the file in bytes.
        left_out: How many bytes of the file are not in the part.
    """

    file: Path | None = None
    text: str = ""
    size: int = 0
    left_out: int = 0

    @property
    def lines(self) -> list[str]:
        """The lines of the part."""
        return self.text.split("\n") if self.text else []


def log_excerpt(
    environment: AnyEnvironment, directory: Path, lines: int = 200, limit: int = LIMIT
) -> Excerpt:
    """Return the last lines of the service's log, as far as it is on this machine.

    Args:
        environment: The environment.
        directory: Its directory. No link in the data directory is followed.
        lines: The number of lines.
        limit: The number of bytes that are read.

    Raises:
        NotOurs: A file of the data directory is a link or another kind of file.
        StorageError: A file can't be read.
    """
    for path in reversed(provider_of(environment).logs(environment, directory)):
        found = _ends(OwnPath.within(directory.parent, path), 0, limit)
        if found is not None and found[2]:
            _, end, size = found
            cut = b"".join(end.splitlines(keepends=True)[-lines:]) if lines else b""
            text = _cleaned(end, redactor(environment.spec))
            shown = text.removesuffix("\n").split("\n")[-lines:] if lines else []
            return Excerpt(path, "\n".join(shown), size, size - len(cut))
    return Excerpt()


def trace_excerpt(environment: AnyEnvironment, directory: Path, limit: int = LIMIT) -> Excerpt:
    """Return the trace of the last command that failed: of a long one, its beginning and its end.

    Raises:
        NotOurs: The file is a link or another kind of file, or leads through a link.
        StorageError: The file can't be read.
    """
    path = trace_file(environment, directory)
    found = None if path is None else _ends(path, min(_HEAD, limit), limit)
    if path is None or found is None:
        return Excerpt()
    (head, end, size), redact = found, redactor(environment.spec)
    left_out = size - len(head) - len(end)
    between = f"\n… {left_out:,} bytes are left out …\n\n" if left_out else ""
    text = f"{_cleaned(head, redact)}{between}{_cleaned(end, redact)}"
    return Excerpt(_plain(path), text.removesuffix("\n"), size, left_out)


def _ends(path: OwnPath, head: int, limit: int) -> tuple[bytes, bytes, int] | None:
    """Return whole lines of the beginning and of the end of a file, and its size; None without a file.

    Secrets are found line by line: what is cut at a line's end holds no half of one.
    """
    with translated("read", path):
        try:
            descriptor = path.open(os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            size = os.fstat(descriptor).st_size
            if size <= limit:
                return b"", os.pread(descriptor, limit, 0), size
            beginning = os.pread(descriptor, head, 0)
            # One byte more, to see whether the rest begins with a whole line.
            end = os.pread(descriptor, limit - head + 1, size - (limit - head) - 1)
        finally:
            os.close(descriptor)
    return beginning[: beginning.rfind(b"\n") + 1], end[end.find(b"\n") + 1 or len(end) :], size


def _cleaned(content: bytes, redact: Callable[[str], str]) -> str:
    # Secrets go before anything is cut, or half of one could be left.
    text = clean(content.decode("utf-8", "replace"), redact)
    return "\n".join(line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…" for line in text.split("\n"))


def _plain(path: OwnPath) -> Path:
    return path.root.joinpath(*path.names)
