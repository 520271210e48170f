"""Errors that values raise."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from statechart.wording import listed, nearest

if TYPE_CHECKING:
    from environments.model.failure import FailureCause


class EnvironmentsError(Exception):
    """The root of this package's errors: built from facts, kept as attributes, picklable."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        return _restore, (type(self), self.args), self.__dict__


def _restore(kind: type[EnvironmentsError], args: tuple[Any, ...]) -> EnvironmentsError:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


class InvalidName(EnvironmentsError, ValueError):
    """A name that breaks a rule.

    Attributes:
        name: The name as given.
        rule: The rule that it breaks.
        suggestion: A valid name like it.
    """

    def __init__(self, name: str, rule: str, suggestion: str) -> None:
        self.name = name
        self.rule = rule
        self.suggestion = suggestion
        super().__init__(f"invalid environment name {name!r}: it {rule}; try {suggestion!r}")


class InvalidConfiguration(EnvironmentsError, ValueError):
    """A configuration that can't be used; `problems` has one line for each fault."""

    def __init__(self, source: str, problems: Iterable[str]) -> None:
        self.source = source
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__(f"{source} can't be used: " + "; ".join(self.problems))


class UnknownProvider(EnvironmentsError, LookupError):
    """No provider of that kind is installed."""

    def __init__(self, kind: str, known: Iterable[str]) -> None:
        self.kind = kind
        self.known: tuple[str, ...] = tuple(known)
        near = nearest(kind, self.known)
        hint = f"did you mean {near!r}?" if near else f"installed are {listed(self.known)}"
        super().__init__(f"there is no provider of kind {kind!r}: {hint}")


class UnexpectedState(EnvironmentsError):
    """An environment is not in a state that the caller needs."""

    def __init__(self, name: str, *, expected: Iterable[str], actual: str) -> None:
        self.name = name
        self.expected: tuple[str, ...] = tuple(expected)
        self.actual = actual
        super().__init__(
            f"environment {name!r} is in state {actual}, expected {' or '.join(self.expected)}"
        )


class NoSuchMoment(EnvironmentsError, LookupError):
    """An environment was not there at a revision, or at a time.

    Attributes:
        asked: What was asked for.
        known: What there is, in words.
    """

    def __init__(self, name: str, asked: str, known: str) -> None:
        self.name = name
        self.asked = asked
        self.known = known
        super().__init__(f"{name!r} was not there at {asked}: {known}")


class ProvisionNeeded(EnvironmentsError):
    """A change of the spec that takes effect only by provisioning again."""

    def __init__(self, name: str, fields: Iterable[str]) -> None:
        self.name = name
        self.fields: tuple[str, ...] = tuple(fields)
        super().__init__(
            f"{listed(self.fields)} of {name!r} can't be changed once it is provisioned: "
            "destroy and create it again"
        )


class StepFailed(EnvironmentsError):
    """Raised by a step that could not do its work for a reason that is the world's.

    Attributes:
        cause: The kind of reason.
        summary: One line, for people.
        detail: More, for the trace: a tool's last words, a log's tail.
    """

    def __init__(self, cause: FailureCause, summary: str, detail: str = "") -> None:
        self.cause = cause
        self.summary = summary
        self.detail = detail
        super().__init__(summary)
