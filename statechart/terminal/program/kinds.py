"""Kinds: the exit code, the code and the next commands of each class of errors."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from statechart.terminal.report import ExitCode
from statechart.terminal.settings import Spells

SettingsT = TypeVar("SettingsT", bound=Spells)
Advice = Callable[[Exception, SettingsT], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Kind(Generic[SettingsT]):
    """The exit code, the code and the advice for a class of errors."""

    exit_code: ExitCode
    code: str
    advice: Advice[SettingsT]


def say(*words: str) -> Advice[Any]:  # Any: the settings of any program
    """Return fixed advice; `NAME` in a command is replaced by the name in the error."""

    def advice(error: Exception, settings: Spells) -> list[str]:
        return [_spelled(line, error, settings) for line in words]

    return advice


def say_at(in_files: Sequence[str], in_database: Sequence[str]) -> Advice[Any]:  # Any: as above
    """Return fixed advice for an error at a place: a path, or the URL of a database."""
    of_files, of_database = say(*in_files), say(*in_database)

    def advice(error: Exception, settings: Spells) -> Sequence[str]:
        is_path = isinstance(getattr(error, "where", None), Path)
        return (of_files if is_path else of_database)(error, settings)

    return advice


def _spelled(line: str, error: Exception, settings: Spells) -> str:
    sentence, found, command = line.partition(f"{settings.program} ")
    return sentence + settings.spell(command, name_in(error)) if found else line


def name_in(error: Exception) -> str | None:
    """Return the name of the value that an error is about, or None."""
    return getattr(error, "name", None) or getattr(error, "subject", None)


def nearest_kind(
    kinds: Mapping[type[BaseException], Kind[SettingsT]], error: type[BaseException]
) -> Kind[SettingsT] | None:
    """Return the entry of a class of errors or its nearest base, or None for an unexpected error."""
    return next((kinds[base] for base in error.__mro__ if base in kinds), None)


_FULL = (errno.ENOSPC, errno.EDQUOT)
_SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


def of_the_storage(error: Exception, settings: Spells) -> list[str]:
    """Return the next steps after an error of the storage."""
    number = getattr(error.__cause__, "errno", None)
    again = settings.spell("list")
    if number in _FULL:
        return [f"free some space, then repeat the command; to look: {again}"]
    if number in _SCARCE:
        return [f"free what the system lacks, then {again}"]
    return [f"repair the disk or its permissions, then {again}"]


def of_the_system(_error: Exception, settings: Spells) -> list[str]:
    """Return the next steps after an error of the operating system."""
    # What a command expects of the system it translates itself: here are only a lack of open files
    # or memory, and a working directory that was removed.
    again = settings.spell("list")
    return [f"cd /, then {again}" if _lost_its_directory() else f"free what the system lacks, then {again}"]


def of_the_system_in_words(error: OSError) -> str:
    """Return the message of an error of the operating system."""
    if _lost_its_directory():
        return "the working directory does not exist any more"
    place = f": {error.filename}" if error.filename else ""
    return f"the system refused{place}: {error.strerror or error}"


def _lost_its_directory() -> bool:
    try:
        Path.cwd()
    except OSError:
        return True
    return False
