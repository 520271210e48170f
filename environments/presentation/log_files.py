"""The ends of log files, and the traces of failures."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING

from environments.model.failure import STEPS_DONE
from environments.ports import provider_of
from environments.secrets.redaction import clean, redactor
from environments.system.files import OwnPath, entries
from statechart.errors import StorageError
from statechart.storage.disk import read_file, translated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from environments.model.environment import AnyEnvironment

_WORDS = 8
_BLOCK = 65_536  # bytes
_END = 1_048_576
"""How many bytes of a file are read for its last words: a log may have no end of a line at all."""


def tail(
    files: Sequence[Path], count: int, directory: Path, limit: int | None = None
) -> tuple[list[str], int]:
    """Return the last lines of all files, and the size of the last file in bytes.

    Args:
        files: The files, the last lines in the last file.
        count: The number of lines.
        directory: The environment's directory. No link in the data directory is followed.
        limit: How many bytes of a file are read at most; lines that begin before are left out.

    Raises:
        NotOurs: A file of the data directory is a link or another kind of file.
        StorageError: A file can't be read.
    """
    lines: deque[str] = deque(maxlen=count)
    size = 0
    for path in files:
        found = _end_of(OwnPath.within(directory.parent, path), count, limit)
        if found is None:
            continue  # rotated away since the files were listed
        content, size = found
        if content:
            lines.extend(content.decode("utf-8", "replace").removesuffix("\n").split("\n"))
    return list(lines), size


def _end_of(path: OwnPath, count: int, limit: int | None) -> tuple[bytes, int] | None:
    """Return at least the last lines of a file, and its size; None if there is no file.

    The file is read from its end, since a log may be larger than the memory.
    """
    with translated("read", path):
        try:
            file = os.fdopen(path.open(os.O_RDONLY), "rb")
        except (FileNotFoundError, NotADirectoryError):
            return None
        with file:
            size = begin = file.seek(0, os.SEEK_END)
            blocks: deque[bytes] = deque()
            breaks = 0
            least = 0 if limit is None else max(0, size - limit)
            while begin > least and breaks <= count:  # the last break ends the last line
                end, begin = begin, max(least, begin - _BLOCK)
                file.seek(begin)
                blocks.appendleft(file.read(end - begin))
                breaks += blocks[0].count(b"\n")
    content = b"".join(blocks)
    # Half a line may hold half a secret.
    return content if not begin or breaks > count else content.partition(b"\n")[2], size


def trace_file(environment: AnyEnvironment, directory: Path) -> OwnPath | None:
    """Return the trace of the last command that failed, or None.

    Raises:
        NotOurs: The directory of the traces is a link, or the recorded file is not in it.
    """
    own, failure = OwnPath.within(directory.parent, directory), environment.failure
    if failure is not None and failure.trace_file is not None:
        return own / failure.trace_file
    traces = (path for path in entries(own / "traces") if path.name.endswith(".log"))
    return max(traces, key=attrgetter("name"), default=None)


def read_trace(path: OwnPath) -> str:
    """Return the text of a trace.

    Raises:
        NotOurs: The path is a link or another kind of file, or leads through a link.
        StorageError: The file is missing or can't be read.
    """
    text = read_file(path)
    if text is None:
        raise StorageError(f"cannot read {path}: it is missing")
    return text.decode("utf-8", "replace")


def last_words(environment: AnyEnvironment, directory: Path) -> dict[str, tuple[str, ...]]:
    """Return the last lines of the failure's trace and of the service's log, by their source."""
    words: dict[str, tuple[str, ...]] = {}
    failure = environment.failure
    if failure is not None and failure.trace_file is not None:
        with suppress(StorageError):
            own = OwnPath.within(directory.parent, directory)
            found = _end_of(own / failure.trace_file, _END, _END)
            trace = "" if found is None else found[0].decode("utf-8", "replace")
            said = trace.rstrip().rpartition("\n\n")[2]
            if said and not said.startswith(STEPS_DONE):  # the story tells the steps itself
                words["the trace"] = tuple(said.split("\n")[-_WORDS:])
    provider = provider_of(environment)
    with suppress(StorageError):
        log, _ = tail(provider.logs(environment, directory), _WORDS, directory, _END)
        if log:
            # All lines at once: a secret may have several.
            lines = tuple(clean("\n".join(log), redactor(environment.spec)).split("\n"))
            # The trace of a service that ended has the end of its log: one of the two is enough.
            traced = set(words.get("the trace", ()))
            if traced < set(lines):
                words.pop("the trace", None)
            if not set(lines) <= traced:
                words["the service's log"] = lines
    return words
