"""Log files: the end of what a service said, and the trace of what failed."""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from typing import TYPE_CHECKING, TextIO, cast

from environments.cli import opening
from environments.cli.output import emit, note, write
from environments.cli.screen import clean
from statechart.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from environments.cli.settings import Settings
    from environments.ports import Provider

_PAUSE = 0.2


def print_log(settings: Settings, name: str, count: int, *, follow: bool = False) -> None:
    """Print the last lines of an environment's log, and go on as it grows when asked to.

    Raises:
        StorageError: The log can't be read.
    """
    storage = opening.storage(settings)
    environment = storage.load(name)
    provider = cast("Provider", environment.spec.provider)  # a spec is the provider of its kind
    files = provider.logs(environment, storage.directory(name))
    lines = _tail(files, count)
    if not files:
        note(f"{name} is {environment.condition}: no service of it has said anything")
    if settings.json or lines:
        emit(
            settings,
            {"name": name, "files": [str(path) for path in files], "lines": lines},
            "\n".join(_fit(line) for line in lines),
        )
    if follow and files:
        _follow(files[-1])


def print_trace(settings: Settings, name: str) -> None:
    """Print the trace of the last command that failed.

    Raises:
        StorageError: The trace can't be read.
    """
    storage = opening.storage(settings)
    environment = storage.load(name)
    directory = storage.directory(name)
    failure = environment.failure
    place = failure.trace_file if failure is not None else None
    path = directory / place if place is not None else _newest(directory / "traces")
    if path is None:
        note(f"{name} is {environment.condition}: no failure has left a trace")
    text = _read(path) if path is not None else ""
    if settings.json or path is not None:
        emit(settings, {"name": name, "file": str(path) if path else None, "trace": text}, _fit(text))


def _newest(directory: Path) -> Path | None:
    return max(directory.glob("*.log"), default=None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise StorageError(f"{path} can't be read: {error.strerror}") from error


def _tail(files: Sequence[Path], count: int) -> list[str]:
    lines: deque[str] = deque(maxlen=count)
    for path in files:
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                lines.extend(line.rstrip("\n") for line in file)
        except FileNotFoundError:
            continue  # it was rotated away meanwhile
        except OSError as error:
            raise StorageError(f"{path} can't be read: {error.strerror}") from error
    return list(lines)


def _fit(text: str) -> str:
    """Return a text as it is, or without control codes where a terminal would heed them."""
    return clean(text) if sys.stdout.isatty() else text


def _follow(path: Path) -> None:
    sys.stdout.flush()
    file: TextIO = path.open(encoding="utf-8", errors="replace")
    file.seek(0, 2)
    while True:
        text = file.read()
        if text:
            write(_fit(text))
            continue
        file = _current(file, path)
        if file.closed:
            return
        time.sleep(_PAUSE)


def _current(file: TextIO, path: Path) -> TextIO:
    """Return the file at a path: the same one, a new one after a rotation, closed when it is gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        file.close()
        return file
    held = os.fstat(file.fileno())
    if (found.st_ino, found.st_dev) == (held.st_ino, held.st_dev) and found.st_size >= file.tell():
        return file
    file.close()
    return path.open(encoding="utf-8", errors="replace")
