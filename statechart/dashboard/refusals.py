"""Refusals: requests that get no page, with the status, a message and the next action."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from statechart.terminal.report import ExitCode, Report

_STATUS: Final[dict[int, HTTPStatus]] = {
    ExitCode.USAGE: HTTPStatus.BAD_REQUEST,
    ExitCode.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ExitCode.NOT_ALLOWED: HTTPStatus.CONFLICT,
    ExitCode.CONFLICT: HTTPStatus.CONFLICT,
    ExitCode.STEP_FAILED: HTTPStatus.BAD_GATEWAY,
    ExitCode.STORAGE: HTTPStatus.SERVICE_UNAVAILABLE,
    ExitCode.INTERRUPTED: HTTPStatus.CONFLICT,
}

# Mistakes of a command line that are none of an address: what it names is not there, or not yet.
_BY_CODE: Final = {
    "invalid_name": HTTPStatus.NOT_FOUND,
    "no_such_moment": HTTPStatus.NOT_FOUND,
    "unknown_provider": HTTPStatus.SERVICE_UNAVAILABLE,
    "diagram_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}


class Refused(Exception):
    """A request is refused.

    Attributes:
        status: The status of the response.
        code: The code of the error, for programs.
        message: A sentence for people.
        next: What to do instead.
        facts: Further facts for the page of the error.
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        message: str,
        next: tuple[str, ...] = (),
        **facts: object,
    ) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.next = next
        self.facts = facts
        super().__init__(message)

    @classmethod
    def of(cls, report: Report) -> Refused:
        """Return the refusal that an error means, as the command line reports it."""
        usual = _STATUS.get(report.exit_code, HTTPStatus.INTERNAL_SERVER_ERROR)
        return cls(_BY_CODE.get(report.code, usual), report.code, report.message, report.next)

    def document(self) -> dict[str, object]:
        """Return the document for programs: that of the command line's errors."""
        return {"error": {"code": self.code, "message": self.message, "next": list(self.next)}}
