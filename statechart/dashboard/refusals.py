"""Refusals: requests that get no page, with the status, a message and the next action."""

from __future__ import annotations

from http import HTTPStatus


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

    def document(self) -> dict[str, object]:
        """Return the document for programs: that of the command line's errors."""
        return {"error": {"code": self.code, "message": self.message, "next": list(self.next)}}
