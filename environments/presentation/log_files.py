"""The ends of log files, and the traces of failures."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING

from environments.model.failure import STEPS_DONE
from environments.ports import provider_of
from environments.secrets.redaction import clean, redactor
from environments.system.files import OwnPath, entries
from statechart.errors import StorageError
from statechart.storage.disk import read_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from environments.model.environment import AnyEnvironment

_WORDS = 8


def tail(files: Sequence[Path], count: int, directory: Path) -> tuple[list[str], int]:
    """Return the last lines of all files, and how many bytes of the last file were read.

    Args:
        files: The files, the last lines in the last file.
        count: The number of lines.
        directory: The environment's directory. No link in the data directory is followed.

    Raises:
        NotOurs: A file of the data directory is a link or another kind of file.
        StorageError: A file can't be read.
    """
    lines: deque[str] = deque(maxlen=count)
    read = 0
    for path in files:
        content = read_file(OwnPath.within(directory.parent, path))
        if content is None:
            continue  # rotated away since the files were listed
        if content:
            lines.extend(content.decode("utf-8", "replace").removesuffix("\n").split("\n"))
        read = len(content)
    return list(lines), read


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
            trace = read_trace(own / failure.trace_file).rstrip()
            said = trace.rpartition("\n\n")[2]
            if not said.startswith(STEPS_DONE):  # the story tells the steps itself
                words["the trace"] = tuple(said.split("\n")[-_WORDS:])
    provider = provider_of(environment)
    with suppress(StorageError):
        log, _ = tail(provider.logs(environment, directory), _WORDS, directory)
        if log:
            # All lines at once: a secret may have several.
            lines = tuple(clean("\n".join(log), redactor(environment.spec)).split("\n"))
            # The trace of a service that ended has the end of its log.
            if not set(lines) <= set(words.get("the trace", ())):
                words["the service's log"] = lines
    return words
