"""Approvals: their chart, their value, and the mail they send. The command is `board.py`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field, model_validator

from statechart import Chart, Event, State, effect

ROUNDS = 3
"""How often a request may be submitted."""


class Vote(BaseModel, frozen=True):
    """The vote of an approver."""

    by: str
    yes: bool
    comment: str = ""


class Request(BaseModel):
    """A request for approval, as recorded."""

    state: str = "draft"
    title: str
    author: str
    approvers: list[str]
    needed: int = Field(default=1, ge=1)
    round: int = Field(default=0, le=ROUNDS)
    votes: list[Vote] = []  # of this round; earlier rounds are in the history

    @property
    def approvals(self) -> int:
        return sum(vote.yes for vote in self.votes)

    @model_validator(mode="after")
    def _can_be_approved(self) -> Self:
        if self.needed > len(self.approvers):
            raise ValueError(f"{self.needed} approvals are needed, and {len(self.approvers)} are asked")
        return self


class ApprovalChart(Chart[Request]):
    """From a draft through rounds of votes to a decision."""

    draft = State(initial=True)
    voting = State()
    rework = State()
    approved = State(final=True)
    rejected = State(final=True)
    withdrawn = State(final=True)

    submit = Event(draft.to(voting, cond="is_author") | rework.to(voting, cond="is_author"))
    approve = Event(
        voting.to(approved, cond=["is_approver", "has_not_voted", "is_last_vote"])
        | voting.to(voting, cond=["is_approver", "has_not_voted"])
    )
    reject = Event(
        voting.to(rejected, cond=["is_approver", "has_not_voted", "is_last_round"])
        | voting.to(rework, cond=["is_approver", "has_not_voted"])
    )
    withdraw = Event(withdrawn.from_(draft, voting, rework, cond="is_author"))

    failures = (rejected,)

    def is_author(self, model: Request, by: str) -> bool:
        """Only the author may do that."""
        return by == model.author

    def is_approver(self, model: Request, by: str) -> bool:
        """Only an approver may vote."""
        return by in model.approvers

    def has_not_voted(self, model: Request, by: str) -> bool:
        """One vote a round."""
        return all(vote.by != by for vote in model.votes)

    def is_last_vote(self, model: Request) -> bool:
        """More approvals are needed."""
        return model.approvals + 1 >= model.needed

    def is_last_round(self, model: Request) -> bool:
        """There are rounds left."""
        return model.round >= ROUNDS

    def on_submit(self, model: Request) -> None:
        model.round += 1
        model.votes.clear()

    def on_approve(self, model: Request, by: str, comment: str = "") -> None:
        model.votes.append(Vote(by=by, yes=True, comment=comment))

    def on_reject(self, model: Request, by: str, comment: str) -> None:
        model.votes.append(Vote(by=by, yes=False, comment=comment))

    @effect(submit)
    def ask_approvers(self, model: Request, name: str, key: str) -> None:
        for approver in model.approvers:
            send(approver, f"{name}: please vote on {model.title!r}, round {model.round}", key)

    @effect(rework, approved, rejected)
    def tell_author(self, model: Request, name: str, key: str) -> None:
        said = "".join(f"\n{vote.by}: {vote.comment}" for vote in model.votes if vote.comment)
        send(model.author, f"{name}: {model.title!r} is in state {model.state}{said}", key)


def send(to: str, text: str, key: str) -> None:
    """Send a mail: here, a file for each. A second attempt has the same key, and so replaces the first."""
    mail = Path(os.environ.get("APPROVAL_MAIL", "mail"))
    mail.mkdir(exist_ok=True)
    (mail / f"{to}-{key.replace('/', '-')}.txt").write_text(text + "\n")
