"""Reports: an error as the command line prints it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process ends with; a signal's number plus 128 when one ended it."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    NOT_FOUND = 3
    NOT_ALLOWED = 4
    CONFLICT = 5
    STEP_FAILED = 6
    STORAGE = 7
    DIFFERENCE = 8
    INTERRUPTED = 9


@dataclass(frozen=True, slots=True)
class Report:
    """An error, as it is told; `next` are commands, or sentences that end in one."""

    exit_code: int
    code: str
    message: str
    next: tuple[str, ...] = ()
    detail: str = ""

    def document(self) -> dict[str, object]:
        """Return it as the one document of `--json`."""
        return {"error": {"code": self.code, "message": self.message, "next": list(self.next)}}
