"""The end of a service's log, and the trace of a failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from environments.ports import provider_of
from environments.presentation.log_files import read_trace, tail, trace_file
from environments.secrets.redaction import redactor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from environments.model.environment import AnyEnvironment
    from environments.presentation.answers.archive import Archive


@dataclass(frozen=True, slots=True)
class Log:
    """The end of a log, without secrets.

    Attributes:
        name: The environment.
        files: The files, the last lines in the last file.
        lines: The last lines.
        size: The size of the last file in bytes.
    """

    name: str
    files: Sequence[Path]
    lines: Sequence[str]
    size: int

    def document(self) -> dict[str, object]:
        """Return the document of `logs`."""
        return {"name": self.name, "files": [str(path) for path in self.files], "lines": list(self.lines)}


def read_log(environment: AnyEnvironment, directory: Path, count: int, limit: int | None = None) -> Log:
    """Return the last lines of the service's log, as far as it is on this machine.

    Of each file, at most `limit` bytes are read.

    Raises:
        StorageError: A file can't be read.
    """
    files = provider_of(environment).logs(environment, directory)
    lines, size = tail(files, count, directory, limit)
    # All lines at once: a secret may have several.
    clean = redactor(environment.spec)("\n".join(lines)).split("\n") if lines else []
    return Log(environment.name, files, clean, size)


def log_document(archive: Archive, name: str, lines: int, limit: int | None = None) -> dict[str, object]:
    """Return the document of `logs`. Logs kept elsewhere are not fetched.

    Of each file, at most `limit` bytes are read.

    Raises:
        StorageError: The environment or a file can't be read.
        UnknownProvider: Its provider is not installed.
    """
    return read_log(archive.load(name), archive.directory(name), lines, limit).document()


def trace_document(archive: Archive, name: str) -> dict[str, object]:
    """Return the document of `logs --trace`; its file is None if no command has failed.

    Raises:
        StorageError: The environment or the file can't be read.
        UnknownProvider: Its provider is not installed.
    """
    return trace_of(archive.load(name), archive.directory(name))


def trace_of(environment: AnyEnvironment, directory: Path) -> dict[str, object]:
    """Return the document of `logs --trace` of an environment that was read."""
    path = trace_file(environment, directory)
    # A trace is written without secrets; one that became a secret later is hidden all the same.
    text = redactor(environment.spec)(read_trace(path)) if path is not None else ""
    return {"name": environment.name, "file": str(path) if path else None, "trace": text}
