"""Refusal: the error of a command line that makes no sense."""

from __future__ import annotations

from typing import ClassVar


class UsageRefused(Exception):
    """The typed command can't be carried out.

    Attributes:
        code: The code of the error.
        next: Commands to type instead.
        exit_code: The exit code of the process.
    """

    is_spelled: ClassVar[bool] = True
    """Whether the commands name the store of this run already, where they have to."""

    def __init__(
        self, message: str, next: tuple[str, ...] = (), *, code: str = "usage", exit_code: int = 2
    ) -> None:
        self.code = code
        self.next = next
        self.exit_code = exit_code
        super().__init__(message)
