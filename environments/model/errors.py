"""The errors of values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from statechart.errors import NotOurs
from statechart.wording import listed, nearest

if TYPE_CHECKING:
    from pathlib import Path

    from environments.model.failure import FailureCause

_LONGEST_SHOWN = 80


class EnvironmentsError(Exception):
    """The root of the package's errors, which keep their facts as attributes and can be pickled."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        # By default, pickle would call the constructor with the message instead of the facts.
        return _restore, (type(self), self.args), self.__dict__


def _restore(kind: type[EnvironmentsError], args: tuple[Any, ...]) -> EnvironmentsError:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


class InvalidName(EnvironmentsError, ValueError):
    """A name breaks a rule.

    Attributes:
        name: The given name.
        rule: The broken rule.
        suggestion: A similar valid name.
    """

    def __init__(self, name: str, rule: str, suggestion: str) -> None:
        self.name = name
        self.rule = rule
        self.suggestion = suggestion
        shown = name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}…"
        super().__init__(f"invalid environment name {shown!r}: it {rule}; try {suggestion!r}")


def misnamed(directory: Path, error: InvalidName) -> NotOurs:
    """Return the error for a directory among the environments whose name is not an environment's."""
    return NotOurs(directory, f"can't be an environment: its name {error.rule}")


class InvalidConfiguration(EnvironmentsError, ValueError):
    """A configuration is invalid; `problems` has a line for each problem."""

    def __init__(self, source: str, problems: Iterable[str]) -> None:
        self.source = source
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__(f"{source} can't be used: " + "; ".join(self.problems))


class UnknownProvider(EnvironmentsError, LookupError):
    """A kind of provider is not installed, or its class can't be used.

    Attributes:
        kind: The kind.
        known: The kinds that are installed or registered.
        name: The environment whose record needs the provider, or None.
        reason: Why the class of an installed kind can't be used, or None.
    """

    def __init__(
        self, kind: str, known: Iterable[str], name: str | None = None, reason: str | None = None
    ) -> None:
        self.kind = kind
        self.known: tuple[str, ...] = tuple(known)
        self.name = name
        self.reason = reason
        needed = f"the record of {name!r} is sound, but " if name is not None else ""
        if reason is not None:
            super().__init__(f"{needed}the provider of kind {kind!r} can't be used: {reason}")
            return
        # A recorded kind was once right, so a similar kind is no correction.
        near = nearest(kind, self.known) if name is None else None
        if near:
            hint = f"did you mean {near!r}?"
        else:
            hint = (
                f"installed are {listed(self.known)}; install the package that provides it, or make its "
                "class known with register_provider or Workspace(providers=[…])"
            )
        super().__init__(f"{needed}there is no provider of kind {kind!r}: {hint}")


class UnexpectedState(EnvironmentsError):
    """An environment is not in an expected state."""

    def __init__(self, name: str, *, expected: Iterable[str], actual: str) -> None:
        self.name = name
        self.expected: tuple[str, ...] = tuple(expected)
        self.actual = actual
        super().__init__(
            f"environment {name!r} is in state {actual}, expected {' or '.join(self.expected)}"
        )


class NoSuchMoment(EnvironmentsError, LookupError):
    """An environment did not exist at a revision or a time.

    Attributes:
        asked: The requested revision or time.
        known: The existing revisions or times, in words.
    """

    def __init__(self, name: str, asked: str, known: str) -> None:
        self.name = name
        self.asked = asked
        self.known = known
        super().__init__(f"{name!r} did not exist at {asked}: {known}")


class ProvisionNeeded(EnvironmentsError):
    """A change of the spec would take effect only by provisioning again."""

    def __init__(self, name: str, fields: Iterable[str]) -> None:
        self.name = name
        self.fields: tuple[str, ...] = tuple(fields)
        super().__init__(
            f"{listed(self.fields)} of {name!r} can't be changed once it is provisioned: "
            "destroy and create it again"
        )


class NotProvisioned(EnvironmentsError):
    """An environment can't be deployed to, since it is not provisioned."""

    def __init__(self, name: str, state: str) -> None:
        self.name = name
        self.state = state
        reason = "nothing was ever provisioned" if state == "created" else "its last provision failed"
        super().__init__(f"{name!r} can't be deployed to: it is {state}, {reason}")


class StepFailed(EnvironmentsError):
    """A step failed for a reason outside of this program; raised by steps.

    Attributes:
        cause: The kind of cause.
        summary: One line for people.
        detail: More lines for the trace, such as the end of a tool's output or of a log.
    """

    def __init__(self, cause: FailureCause, summary: str, detail: str = "") -> None:
        self.cause = cause
        self.summary = summary
        self.detail = detail
        super().__init__(summary)


class UnreadableSummary(NamedTuple):
    """The entry of an environment in a list when the environment can't be read."""

    name: str
    error: Exception
