"""Selections: which environments are meant, by name, label, state or expiry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeVar, get_args

from environments.errors import InvalidSelection, NothingMatches, UnknownLabel
from environments.model.condition import Attempt, is_error
from environments.model.fields.labels import broken_key_rule, shown
from environments.model.stored import StateName
from statechart.wording import nearest

if TYPE_CHECKING:  # the start of the command line does not have to build it

    class _State(Protocol):
        @property
        def name(self) -> str: ...

    class Selectable(Protocol):
        """The summary of an environment, or its stored form."""

        @property
        def name(self) -> str:
            """The name."""
            ...

        @property
        def state(self) -> _State:
            """The state."""
            ...

        @property
        def stored_operation(self) -> Attempt | None:
            """The last command, if it has not succeeded."""
            ...

        @property
        def is_error(self) -> bool:
            """Whether the environment needs attention."""
            ...

        @property
        def labels(self) -> Mapping[str, str]:
            """The labels."""
            ...

        @property
        def expires_at(self) -> datetime | None:
            """The time of expiry."""
            ...


FAILED: Final = "failed"
INTERRUPTED: Final = "interrupted"
UNDER_WAY: Final = "under-way"
STATES: Final[tuple[str, ...]] = (*get_args(StateName), FAILED, INTERRUPTED, UNDER_WAY)
"""The states to select by: those of the chart, and three that tell about the last command."""


SelectableT = TypeVar("SelectableT", bound="Selectable")


class LabelTerm(NamedTuple):
    """A condition on a label: `team=web`, `team!=web`, `team` (present) or `!team` (absent).

    A value may be a glob, as in `branch=feature-*`.
    """

    key: str
    value: str | None = None
    negated: bool = False

    @classmethod
    def read(cls, text: str) -> LabelTerm:
        """Read a term.

        Raises:
            InvalidSelection: The text has none of the forms.
        """
        left, equals, value = (part.strip() for part in text.partition("="))
        if equals:
            term = cls(left.removesuffix("!").rstrip(), value.removeprefix("="), left.endswith("!"))
        else:
            term = cls(left.removeprefix("!").lstrip(), None, left.startswith("!"))
        if (rule := broken_key_rule(term.key)) is not None:
            raise InvalidSelection(
                f"the label {shown(text)}: its key {rule}; write team=web, team!=web, team or !team"
            )
        return term

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels fulfil the condition."""
        value = labels.get(self.key)
        if value is None or self.value is None:
            found = value is not None and self.value is None
        else:
            found = value == self.value or fnmatchcase(value, self.value)
        return found is not self.negated


@dataclass(frozen=True)
class Selection:
    """Which environments are meant: those that fulfil each of the given conditions.

    Attributes:
        patterns: Names and globs, of which one has to match.
        labels: Conditions on labels, all of which have to be fulfilled.
        states: Words of `STATES`, of which one has to hold.
        failed: Only environments that need attention: failed, interrupted, or partly torn down.
        expired: Only environments whose time has passed, and that are not destroyed.
        all: Every environment is meant, said expressly.
    """

    patterns: tuple[str, ...] = ()
    labels: tuple[LabelTerm, ...] = ()
    states: tuple[str, ...] = ()
    failed: bool = False
    expired: bool = False
    all: bool = False

    @classmethod
    def read(
        cls,
        patterns: Iterable[str] | str = (),
        *,
        labels: Iterable[str] | str = (),
        states: Iterable[str] | str = (),
        failed: bool = False,
        expired: bool = False,
        all: bool = False,  # the word of the option
    ) -> Selection:
        """Read a selection from typed words; labels and states may be lists separated by commas.

        Raises:
            InvalidSelection: A label's condition has no valid form, or there is no such state.
        """
        terms = tuple(LabelTerm.read(part) for text in several(labels) for part in text.split(","))
        words = tuple(part.strip() for text in several(states) for part in text.split(","))
        for word in words:
            if word not in STATES:
                near = nearest(word, STATES)
                hint = f"did you mean {near!r}?" if near else f"there are {', '.join(STATES)}"
                raise InvalidSelection(f"there is no state {shown(word)}; {hint}")
        return cls(several(patterns), terms, words, failed, expired, all)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said, neither a condition nor `all`."""
        return self == Selection()

    @property
    def is_by_name(self) -> bool:
        """Whether names alone were given, without globs or other conditions."""
        return (
            bool(self.patterns)
            and self == Selection(self.patterns)
            and not any(map(is_glob, self.patterns))
        )

    @property
    def needs_no_reading(self) -> bool:
        """Whether names, globs or `all` decide, so that environments need not be read."""
        return self == Selection(self.patterns, all=self.all)

    def matches_name(self, name: str) -> bool:
        """Return whether a name is meant, as far as the patterns tell."""
        return not self.patterns or any(_matches(name, pattern) for pattern in self.patterns)

    def picks(self, environment: Selectable, now: datetime, *, held: bool = False) -> bool:
        """Return whether an environment is meant.

        Args:
            environment: The summary of an environment, or its stored form.
            now: The time by which environments are expired.
            held: Whether a process works on the environment, which only matters during a command.
        """
        return (
            self.matches_name(environment.name)
            and all(term.matches(environment.labels) for term in self.labels)
            and (not self.expired or is_expired(environment, now))
            and (not self.failed or needs_attention(environment, held=held))
            and (
                not self.states
                or str(environment.state.name) in self.states
                or class_of(environment, held=held) in self.states
            )
        )

    def select(
        self, environments: Iterable[SelectableT], now: datetime, held: Callable[[str], bool]
    ) -> list[SelectableT]:
        """Return the environments that are meant, in their order.

        Args:
            environments: The summaries of all environments, or their stored forms.
            now: The time by which environments are expired.
            held: Tells whether a process works on the environment of a name; asked during commands only.

        Raises:
            NothingMatches: A pattern matches no name.
            UnknownLabel: No environment has a label of a condition.
        """
        known = list(environments)
        self.check_names(each.name for each in known)
        self.check_labels(each.labels for each in known)
        return [each for each in known if self.picks(each, now, held=_is_active(each) and held(each.name))]

    def check_names(self, names: Iterable[str]) -> None:
        """Check that each pattern matches a name.

        Raises:
            NothingMatches: A pattern matches none of the names.
        """
        known = list(names)
        missing = [
            pattern for pattern in self.patterns if not any(_matches(name, pattern) for name in known)
        ]
        if missing:
            raise NothingMatches(missing, known)

    def check_labels(self, labels: Iterable[Mapping[str, str]]) -> None:
        """Check that each label of a condition exists, since a misspelt one would select all or nothing.

        Raises:
            UnknownLabel: None of the labels has a key of this name.
        """
        if self.labels:
            known = {key for each in labels for key in each}
            for term in self.labels:
                if term.key not in known:
                    raise UnknownLabel(term.key, sorted(known))


def is_glob(pattern: str) -> bool:
    """Return whether a pattern is more than a name."""
    return any(character in pattern for character in "*?[")


def is_expired(environment: Selectable, now: datetime) -> bool:
    """Return whether an environment's time has passed, and the environment is not destroyed."""
    at = environment.expires_at
    return at is not None and at <= now and environment.state.name != "destroyed"


def needs_attention(environment: Selectable, *, held: bool) -> bool:
    """Return whether an environment failed, was interrupted, or is partly torn down."""
    return environment.is_error or (_is_active(environment) and not held)


def class_of(environment: Selectable, *, held: bool) -> str:
    """Return whether a command is under way, was interrupted or has failed, or else the state."""
    return class_by(environment.state.name, environment.stored_operation, held=held)


def class_by(state: str, operation: Attempt | None, *, held: bool) -> str:
    """Return the class of an environment by its state and its last command, if that has not succeeded."""
    if operation is not None and operation.is_active:
        return UNDER_WAY if held else INTERRUPTED
    return FAILED if is_error(state, operation) else str(state)


def _is_active(environment: Selectable) -> bool:
    operation = environment.stored_operation
    return operation is not None and operation.is_active


def _matches(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def several(words: Iterable[str] | str) -> tuple[str, ...]:
    """Return words as a tuple; a string is a single word."""
    return (words,) if isinstance(words, str) else tuple(words)
