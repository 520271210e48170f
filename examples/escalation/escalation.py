"""Requests that need an approval: reminded after a day, passed on to the next level after three."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, Field

from statechart import Chart, Configuration, Event, State, Timer, effect

LEVELS = ("team", "department", "board")


class Request(BaseModel):
    """A request, as recorded."""

    state: Configuration | None = None
    title: str
    urgent: bool = False
    level: int = Field(default=0, lt=len(LEVELS))
    reminders: int = 0
    decided_by: str | None = None

    @property
    def asked(self) -> str:
        """The level that is asked now."""
        return LEVELS[self.level]


def patience(model: Request) -> timedelta:
    """Return how long a level has time: a day, if it is urgent."""
    return timedelta(days=1 if model.urgent else 3)


class RequestChart(Chart[Request]):
    """From a draft over one level after the other to a decision."""

    draft = State(initial=True)

    class pending(State.Compound):
        asked = State(initial=True)
        reminded = State()

        remind = asked.to(reminded)

    approved = State(final=True)
    rejected = State(final=True)
    unanswered = State(final=True)

    submit = draft.to(pending)
    approve = pending.to(approved)
    reject = pending.to(rejected)
    escalate = Event(pending.to(pending, cond="has_next_level") | pending.to(unanswered))

    timers = (
        Timer(pending.asked, after=timedelta(hours=12), event="remind"),
        Timer(pending, after=patience, event=escalate),
    )
    failures = (unanswered,)

    def has_next_level(self, model: Request) -> bool:
        """There is no higher level."""
        return model.level + 1 < len(LEVELS)

    def on_remind(self, model: Request) -> None:
        model.reminders += 1

    def on_escalate(self, model: Request) -> None:
        model.level = min(model.level + 1, len(LEVELS) - 1)

    def on_approve(self, model: Request, by: str) -> None:
        model.decided_by = by

    def on_reject(self, model: Request, by: str) -> None:
        model.decided_by = by

    @effect(pending, pending.reminded)
    def ask(self, model: Request, name: str) -> None:
        print(f"mail to the {model.asked}: please decide on {model.title!r} ({name})")
