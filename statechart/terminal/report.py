"""Reports: an error as the command line prints it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple


class ExitCode(IntEnum):
    """The exit code of the process; a process ended by signal n has 128 + n instead."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> ExitCode:
        """Make a member that keeps its meaning for the help."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    DONE = 0, "done"
    UNEXPECTED = 1, "unexpected error"
    USAGE = 2, "usage, invalid configuration, or not confirmed"
    NOT_FOUND = 3, "not found"
    NOT_ALLOWED = 4, "not allowed in this state"
    CONFLICT = 5, "conflict: locked, changed meanwhile, or the name is taken"
    STEP_FAILED = 6, "a step failed"
    STORAGE = 7, "damaged or unusable storage"
    DIFFERENCE = 8, "a check found a difference"
    INTERRUPTED = 9, "a command was interrupted and has to be recovered"


# An error of the program or of its storage comes first, a state that only a person can mend next.
_WORST_FIRST = (
    ExitCode.UNEXPECTED,
    ExitCode.STORAGE,
    ExitCode.INTERRUPTED,
    ExitCode.STEP_FAILED,
    ExitCode.CONFLICT,
    ExitCode.NOT_ALLOWED,
    ExitCode.NOT_FOUND,
    ExitCode.USAGE,
    ExitCode.DIFFERENCE,
    ExitCode.DONE,
)


def worst(codes: Iterable[int]) -> int:
    """Return the exit code of work on several environments: that of a signal, else the worst."""
    found = set(codes)
    signals = [code for code in found if code not in _WORST_FIRST]
    return max(signals, default=next((int(code) for code in _WORST_FIRST if code in found), 0))


class Report(NamedTuple):
    """An error for the user; each of `next` is a command, or a sentence that ends in a command."""

    exit_code: int
    code: str
    message: str
    next: tuple[str, ...] = ()
    detail: str = ""

    def document(self) -> dict[str, object]:
        """Return the document that `--json` prints."""
        return {"error": {"code": self.code, "message": self.message, "next": list(self.next)}}
