"""The exception of the program on the host, which the controller raises as StepFailed."""

from __future__ import annotations

import errno

_ADVICE = {
    errno.ENOSPC: "free some space there, then try again",
    errno.EDQUOT: "free some of the quota there, then try again",
    errno.EACCES: "set ssh.become, or use a directory that the user may write to",
    errno.EPERM: "set ssh.become, or use a directory that the user may write to",
}


class Refused(Exception):
    """Raised when a call can't be carried out.

    Attributes:
        cause: A value of `FailureCause`.
        summary: The reason and the way out, in one line.
    """

    def __init__(self, cause: str, summary: str) -> None:
        self.cause = cause
        self.summary = summary
        super().__init__(summary)

    @classmethod
    def by_the_system(cls, error: OSError) -> Refused:
        """Translate an error of the operating system."""
        place = f"{error.filename}: " if error.filename else ""
        advice = _ADVICE.get(error.errno or 0)
        summary = f"{place}{(error.strerror or str(error)).lower()}"
        return cls("file_system", f"{summary}; {advice}" if advice else summary)
