"""Log files: the end of what a service said, and the trace of what failed."""

from __future__ import annotations

import os
import sys
import time
from codecs import getincrementaldecoder
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, cast

from environments.cli import loading
from environments.cli.terminal.output import emit, note, write
from environments.cli.terminal.screen import clean
from environments.secrets.redaction import redactor
from statechart.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from environments.cli.settings import Settings
    from environments.model.environment import AnyEnvironment
    from environments.ports import CollectsLogs, Provider

_PAUSE = 0.2
_COLLECTED_EVERY = 1.0
_WORDS = 8


def print_log(settings: Settings, name: str, count: int, *, follow: bool = False) -> None:
    """Print the last lines of an environment's log, and go on as it grows when asked to.

    Raises:
        StorageError: The log can't be read.
    """
    storage = loading.storage(settings)
    environment = storage.load(name)
    provider = cast("Provider", environment.spec.provider)  # a spec is the provider of its kind
    directory = storage.directory(name)
    collect = _collection(provider, environment, directory)
    current = collect()
    files = provider.logs(environment, directory)
    redact = redactor(environment.spec)
    lines, read = _tail(files, count)
    lines = [redact(line) for line in lines]
    if not files:
        nothing = "no service of it has said anything" if current else "nothing was collected before"
        note(f"{name} is {environment.condition}: {nothing}")
    if settings.json or lines:
        emit(
            settings,
            {"name": name, "files": [str(path) for path in files], "lines": lines},
            "\n".join(_fit(line) for line in lines),
        )
    if follow and files:
        _follow(files[-1], read, redact, collect)


def _collection(provider: Provider, environment: AnyEnvironment, directory: Path) -> Callable[[], bool]:
    """Return what brings the log up to date where it is kept elsewhere, and returns whether it is.

    It tells what hinders it, once, and does nothing when it is called again too soon.
    """
    from environments.ports import CollectsLogs

    if not isinstance(provider, CollectsLogs):
        return lambda: True
    collector, told, due = provider, "", 0.0

    def collect() -> bool:
        nonlocal told, due
        if time.monotonic() < due:
            return not told
        hindrance = _collected(collector, environment, directory)
        if hindrance and hindrance != told:
            note(f"shown is what was collected before: {hindrance}")
        told, due = hindrance, time.monotonic() + _COLLECTED_EVERY
        return not told

    return collect


def _collected(collector: CollectsLogs, environment: AnyEnvironment, directory: Path) -> str:
    """Bring a log up to date; return what hinders it, or an empty string."""
    import asyncio

    from environments.errors import StepFailed

    try:
        asyncio.run(collector.collect_logs(environment, directory))
    except StepFailed as hindrance:
        return redactor(environment.spec)(hindrance.summary)
    return ""


def print_trace(settings: Settings, name: str) -> None:
    """Print the trace of the last command that failed.

    Raises:
        StorageError: The trace can't be read.
    """
    storage = loading.storage(settings)
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


def last_words(settings: Settings, environment: AnyEnvironment) -> dict[str, tuple[str, ...]]:
    """Return the last lines of the failure's trace and of the service's log, by where they are from."""
    storage = loading.storage(settings)
    directory = storage.directory(environment.name)
    words: dict[str, tuple[str, ...]] = {}
    failure = environment.failure
    if failure is not None and failure.trace_file is not None:
        with suppress(StorageError):
            trace = _read(directory / failure.trace_file).rstrip()
            words["the trace"] = tuple(trace.rpartition("\n\n")[2].split("\n")[-_WORDS:])
    provider = cast("Provider", environment.spec.provider)  # a spec is the provider of its kind
    with suppress(StorageError):
        log, _ = _tail(provider.logs(environment, directory), _WORDS)
        if log:
            words["the service's log"] = tuple(map(redactor(environment.spec), log))
    return words


def _newest(directory: Path) -> Path | None:
    return max(directory.glob("*.log"), default=None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise StorageError(f"{path} can't be read: {error.strerror}") from error


def _tail(files: Sequence[Path], count: int) -> tuple[list[str], int]:
    """Return the last lines of all files, and how many bytes of the last one were read for it."""
    lines: deque[str] = deque(maxlen=count)
    read = 0
    for path in files:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue  # it was rotated away meanwhile
        except OSError as error:
            raise StorageError(f"{path} can't be read: {error.strerror}") from error
        if content:
            lines.extend(content.decode("utf-8", "replace").removesuffix("\n").split("\n"))
        read = len(content)
    return list(lines), read


def _fit(text: str) -> str:
    """Return a text as it is, or without control codes where a terminal would heed them."""
    return clean(text) if sys.stdout.isatty() else text


def _follow(
    path: Path, offset: int, redact: Callable[[str], str], collect: Callable[[], bool] = lambda: True
) -> None:
    """Print what comes after the first `offset` bytes, through rotations, until the log is gone.

    A line that is not complete yet is held back for a moment: half a secret would not be recognised.
    """
    file = _opened(path)
    if file is not None:
        file.seek(offset)
    decoder = getincrementaldecoder("utf-8")("replace")  # a character may be written in two parts
    begun = ""
    while file is not None:
        collect()
        gone = not _is_at(file, path)  # asked first: what was written until then is read below
        text = decoder.decode(file.read())
        whole, end, rest = (begun + text).rpartition("\n") if text else (begun, "", "")
        if whole or end:
            write(_fit(redact(whole + end)))
        elif gone and not text:
            file.close()
            file = _opened(path)
        begun = rest
        if begun or not (text or gone):
            time.sleep(_PAUSE)


def _opened(path: Path) -> BinaryIO | None:
    """Open a log; one that is being rotated comes back at once, None for one that does not."""
    for pause in (_PAUSE, 0.0):
        try:
            return path.open("rb", buffering=0)
        except FileNotFoundError:
            time.sleep(pause)
    return None


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Return whether an open file is still the one at its path, and was not cut."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(file.fileno())) and found.st_size >= file.tell()
