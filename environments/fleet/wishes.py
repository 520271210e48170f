"""Wishes: what is asked of a fleet, and how far it has come."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

from environments.fleet.goals import Goal

PATIENCE: Final = timedelta(minutes=1)
"""How long a wish waits for another holder of its environment, by default."""

LATEST: Final = 100
"""How many of the latest wishes are listed where no number is given."""

Condition = Literal["queued", "taken-over", "running", "reached", "failed", "cancelled"]
"""The condition of a wish; `taken-over` is queued again after its worker died or handed it over."""

CONDITIONS: Final[tuple[Condition, ...]] = get_args(Condition)
UNFINISHED: Final = ("queued", "taken-over", "running")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for an environment. Queues hold it as JSON.

    Attributes:
        name: The environment.
        goal: The state to reach, or the command to run once.
        by: The author, whom the records name.
        patience: How long to wait for another holder of the environment.
    """

    name: str
    goal: Goal
    by: str
    patience: timedelta = PATIENCE

    def text(self) -> str:
        """Return the wish as a line of JSON."""
        seconds = self.patience.total_seconds()
        return json.dumps({"name": self.name, "goal": self.goal.text, "by": self.by, "patience": seconds})

    @classmethod
    def read(cls, text: str) -> Wish:
        """Read a wish from `text`.

        Raises:
            InvalidGoal: The goal is of a later version.
        """
        found: dict[str, Any] = json.loads(text)  # Any: JSON
        patience = timedelta(seconds=found["patience"])
        return cls(found["name"], Goal.read(found["goal"]), found["by"], patience)


@dataclass(frozen=True, slots=True)
class Granted:
    """How the work on a wish ended. The rows of the queue hold it as JSON.

    Attributes:
        condition: `reached`, `failed` or `cancelled`.
        state: The recorded state of the environment, if it could be read.
        code: The code of the error, as of the command line; empty without one.
        message: The error in words.
        exit_code: The exit code with which the command line would have ended.
    """

    condition: Condition
    state: str = ""
    code: str = ""
    message: str = ""
    exit_code: int = 0

    def text(self) -> str:
        """Return the ending as a line of JSON."""
        return json.dumps({each: getattr(self, each) for each in self.__slots__})

    @classmethod
    def cancelled(cls, by: str) -> Granted:
        """Return the ending of a wish that somebody cancelled."""
        return cls("cancelled", code="cancelled", message=f"cancelled by {by}", exit_code=6)

    @classmethod
    def read(cls, text: str) -> Granted:
        """Read an ending from `text`; fields of later versions are left out."""
        found: dict[str, Any] = json.loads(text)  # Any: JSON
        return cls(**{name: value for name, value in found.items() if name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class WishStatus:
    """A wish, and how far it has come.

    Attributes:
        id: The number of the wish.
        wish: What was asked.
        condition: The condition.
        version: The version of the program that asked, or that took the wish over from an older one.
        worker: The worker that has it, or had it last; None if it was never begun.
        attempts: How often a worker has begun it.
        asked_at: The time of the submission.
        begun_at: The time at which a worker took it last.
        ended_at: The time at which it ended.
        ending: How it ended; None before that.
        cancelled_by: Who asked to cancel it, if anybody.
        waits_for: Why it waits, if that is known.
        is_taken_over: Whether the worker that began it died, or handed it over.
        doing: The command and the step under way, as recorded, if they were asked for.
    """

    id: str
    wish: Wish
    condition: Condition
    version: str
    worker: str | None
    attempts: int
    asked_at: datetime
    begun_at: datetime | None
    ended_at: datetime | None
    ending: Granted | None = None
    cancelled_by: str = ""
    waits_for: str = ""
    is_taken_over: bool = False
    doing: str = ""

    @property
    def name(self) -> str:
        """The environment."""
        return self.wish.name

    @property
    def is_over(self) -> bool:
        """Whether the wish has ended."""
        return self.condition not in UNFINISHED

    @property
    def message(self) -> str:
        """Why the wish ended otherwise than asked, or what it waits for; else empty."""
        return self.ending.message if self.ending is not None else self.waits_for

    def document(self) -> dict[str, object]:
        """Return the document that `--json` prints."""
        ending = self.ending or Granted(self.condition)
        return {
            "id": self.id,
            "name": self.name,
            "goal": self.wish.goal.text,
            "by": self.wish.by,
            "condition": self.condition,
            "cancelled_by": self.cancelled_by or None,
            "worker": self.worker,
            "attempts": self.attempts,
            "doing": self.doing or None,
            "version": self.version,
            "asked_at": _moment(self.asked_at),
            "begun_at": _moment(self.begun_at),
            "ended_at": _moment(self.ended_at),
            "state": ending.state or None,
            "code": ending.code or None,
            "message": self.message or None,
            "exit_code": ending.exit_code if self.is_over else None,
        }


@dataclass(frozen=True, slots=True)
class Submission:
    """What became of a submit.

    Attributes:
        wishes: The numbers of the wishes, by environment.
        refused: The errors, by environment: nothing was asked for these.
        notes: What is worth knowing, such as an environment that is held now.
    """

    wishes: dict[str, str] = field(default_factory=dict)
    refused: dict[str, Exception] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds")
