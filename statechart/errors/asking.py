"""Errors of questions: about moments, references, diagrams and pages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from statechart.errors.base import StatechartError

if TYPE_CHECKING:
    pass


class InvalidCursor(StatechartError, ValueError):
    """A text is not a cursor, not the whole of one, or that of another store.

    Attributes:
        text: The text.
        problem: The problem.
    """

    def __init__(
        self, text: str, problem: str = "copy the whole cursor of the last change that you have seen"
    ) -> None:
        self.text: str = str(text)
        self.problem = problem
        shown = self.text if len(self.text) <= _LONGEST else f"{self.text[:_LONGEST]}…"
        super().__init__(f"{shown!r} is not a cursor of this store: {problem}")


_LONGEST = 40  # characters of a cursor that are repeated


class NoSuchMoment(StatechartError, LookupError):
    """A value did not exist at a revision or time."""

    def __init__(self, name: str, moment: str, known: str) -> None:
        self.name = name
        self.moment = moment
        self.known = known
        super().__init__(f"{name!r} did not exist at {moment}: {known}")


class ChartNotFound(StatechartError, LookupError):
    """A reference leads to no chart. The message says why, and what to write instead.

    Attributes:
        reference: The reference, as given.
        place: The file and line to mend, as `FILE:LINE`, or None.
    """

    def __init__(self, reference: str, reason: str, place: str | None = None) -> None:
        self.reference = reference
        self.place = place
        super().__init__(f"{place}: {reason}" if place else f"{reference!r}: {reason}")


class DiagramUnavailable(StatechartError):
    """A format needs a program that is not installed or fails; the message names the program."""


class PageError(StatechartError):
    """A page can't be checked or written. The message begins with its file and line.

    Attributes:
        path: The page.
        line: The line, counted from 1, or None for the whole file.
    """

    def __init__(self, path: Path, line: int | None, what: str) -> None:
        self.path = path
        self.line = line
        place = f"{path}:{line}" if line is not None else str(path)
        super().__init__(f"{place}: {what}")


class PageErrors(StatechartError):
    """The problems of several pages.

    Attributes:
        problems: A line for each problem, beginning with the place.
    """

    def __init__(self, errors: Iterable[PageError]) -> None:
        self.problems: tuple[str, ...] = tuple(map(str, errors))
        super().__init__("\n".join(self.problems))
