"""The condition of an environment, from the model or from its stored form."""

from __future__ import annotations

from typing import Protocol

PARTLY = {"stop": "partly stopped", "destroy": "partly torn down"}
"""The commands that take something away, each with the words for an attempt that did not finish."""


class FailedStep(Protocol):
    """A failure, as far as its condition names it."""

    @property
    def step(self) -> str:
        """The name of the step that failed."""
        ...


class StepUnderWay(Protocol):
    """A step that has begun and has no result."""

    @property
    def name(self) -> str:
        """The name of the step."""
        ...


class Attempt(Protocol):
    """An operation, as far as a condition depends on it."""

    @property
    def command(self) -> str:
        """The name of the command."""
        ...

    @property
    def status(self) -> str:
        """`active`, `failed` or `interrupted`."""
        ...

    @property
    def is_active(self) -> bool:
        """Whether the operation has not ended."""
        ...

    @property
    def effects_begun(self) -> bool:
        """Whether a step with an effect has begun."""
        ...

    @property
    def step(self) -> StepUnderWay | None:
        """The step under way."""
        ...

    @property
    def failure(self) -> FailedStep | None:
        """The reason for the end, if recorded."""
        ...


class Releases(Protocol):
    """The releases of an environment."""

    @property
    def release(self) -> str | None:
        """The installed release."""
        ...

    @property
    def serving(self) -> str | None:
        """The release that the service runs."""
        ...

    @property
    def served(self) -> str | None:
        """The release that was healthy last."""
        ...

    @property
    def previous(self) -> str | None:
        """The release that was healthy before that one."""
        ...


def rollback(releases: Releases) -> str | None:
    """Return the release that was healthy before the installed release, or None."""
    # An installed release that never got healthy is not the one to go back from, nor to.
    installed, last = releases.release or releases.serving, releases.serving or releases.served
    before = last if last not in (None, installed) else releases.previous
    return before if before != installed else None


def teardown_begun(operation: Attempt | None) -> bool:
    """Return whether a destroy has begun to remove resources: only destroy may follow."""
    return operation is not None and operation.command == "destroy" and operation.effects_begun


def serves_on(state: str, operation: Attempt | None) -> bool:
    """Return whether the commands of a state leave the service of the last run alone."""
    return state not in ("running", "run_failed", "destroyed") and not teardown_begun(operation)


def is_error(state: str, operation: Attempt | None) -> bool:
    """Return whether an environment needs attention: a failed state, or an unfinished end.

    A stop that failed may have ended a part of the service, and a destroy a part of the resources.
    """
    if operation is not None and operation.command in PARTLY and not operation.is_active:
        return state.endswith("_failed") or operation.effects_begun
    return state.endswith("_failed")


def condition(state: str, operation: Attempt | None, failure: FailedStep | None) -> str:
    """Describe a state, and the command that is under way or has failed."""
    if operation is None:
        return f"{state} (failed at: {failure.step})" if failure else state
    command, step = operation.command, operation.step
    if operation.is_active:
        return f"{state} ({command} under way{f': step {step.name}' if step else ''})"
    ended = "interrupted" if operation.status == "interrupted" else "failed"
    at = operation.failure.step if operation.failure else step.name if step else None
    if command in PARTLY:
        where = f"{ended} at {at}" if at else ended
        return f"{state}, {command} {where}{f': {PARTLY[command]}' if operation.effects_begun else ''}"
    if failure is not None:
        return f"{state} ({ended} at: {failure.step})"
    return f"{state} ({command} {ended}{f' at {at}' if at else ''})"
