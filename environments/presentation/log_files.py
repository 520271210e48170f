"""The ends of log files, and the traces of failures."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from environments.ports import provider_of
from environments.secrets.redaction import redactor
from statechart.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from environments.model.environment import AnyEnvironment

_WORDS = 8


def tail(files: Sequence[Path], count: int) -> tuple[list[str], int]:
    """Return the last lines of all files, and how many bytes of the last file were read.

    Raises:
        StorageError: A file can't be read.
    """
    lines: deque[str] = deque(maxlen=count)
    read = 0
    for path in files:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue  # rotated away since the files were listed
        except OSError as error:
            raise StorageError(f"{path} can't be read: {error.strerror}") from error
        if content:
            lines.extend(content.decode("utf-8", "replace").removesuffix("\n").split("\n"))
        read = len(content)
    return list(lines), read


def trace_file(environment: AnyEnvironment, directory: Path) -> Path | None:
    """Return the trace of the last command that failed, or None."""
    failure = environment.failure
    if failure is not None and failure.trace_file is not None:
        return directory / failure.trace_file
    return max((directory / "traces").glob("*.log"), default=None)


def read_trace(path: Path) -> str:
    """Return the text of a trace.

    Raises:
        StorageError: The file can't be read.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise StorageError(f"{path} can't be read: {error.strerror}") from error


def last_words(environment: AnyEnvironment, directory: Path) -> dict[str, tuple[str, ...]]:
    """Return the last lines of the failure's trace and of the service's log, by their source."""
    words: dict[str, tuple[str, ...]] = {}
    failure = environment.failure
    if failure is not None and failure.trace_file is not None:
        with suppress(StorageError):
            trace = read_trace(directory / failure.trace_file).rstrip()
            words["the trace"] = tuple(trace.rpartition("\n\n")[2].split("\n")[-_WORDS:])
    provider = provider_of(environment)
    with suppress(StorageError):
        log, _ = tail(provider.logs(environment, directory), _WORDS)
        if log:
            words["the service's log"] = tuple(map(redactor(environment.spec), log))
    return words
