"""Refusal: what the command line itself does not do, before anything else was asked."""

from __future__ import annotations


class UsageRefused(Exception):
    """Something that can't be done as it was typed.

    Attributes:
        code: The name of the error.
        next: What to type instead.
        exit_code: What the process ends with.
    """

    def __init__(
        self, message: str, next: tuple[str, ...] = (), *, code: str = "usage", exit_code: int = 2
    ) -> None:
        self.code = code
        self.next = next
        self.exit_code = exit_code
        super().__init__(message)
