"""Refused: what can't be done on the host, in the words of the one who asked for it."""

from __future__ import annotations

import errno

_ADVICE = {
    errno.ENOSPC: "free some space there, then try again",
    errno.EDQUOT: "free some of the quota there, then try again",
    errno.EACCES: "set ssh.become, or use a directory that the user may write to",
    errno.EPERM: "set ssh.become, or use a directory that the user may write to",
}


class Refused(Exception):
    """Raised for what can't be done, and why.

    Attributes:
        cause: The kind of reason: a value of FailureCause.
        summary: One line, for people.
    """

    def __init__(self, cause: str, summary: str) -> None:
        self.cause = cause
        self.summary = summary
        super().__init__(summary)

    @classmethod
    def by_the_system(cls, error: OSError) -> Refused:
        """Return what an error of the operating system stands for."""
        place = f"{error.filename}: " if error.filename else ""
        advice = _ADVICE.get(error.errno or 0)
        summary = f"{place}{(error.strerror or str(error)).lower()}"
        return cls("file_system", f"{summary}; {advice}" if advice else summary)
