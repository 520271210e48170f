"""A chart as a document describes it, whatever language the document is written in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import Any, TypeAlias

from statechart.loading.source import Source

Call: TypeAlias = "str | Callable[..., Any]"
"""A guard or hook: the name of a method, a condition of such names, or a function."""


class Kind(Enum):
    """The kinds of states in a document."""

    STATE = "state"
    PARALLEL = "parallel"
    FINAL = "final"
    SHALLOW = "shallow"
    DEEP = "deep"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a document: a line, or the path to a key."""

    source: Source
    line: int | None = None
    path: str | None = None

    def refused(self, problem: str, missing: str | None = None) -> Exception:
        """Return the error of a problem there, as of a method that is missing."""
        return self.source.refused(problem, line=self.line, place=self.path, missing=missing)


@dataclass(slots=True)
class Arrow:
    """A transition.

    Attributes:
        events: The descriptors of its events, which may be patterns; none if it is eventless.
        is_timed: Whether its event belongs to a timer alone.
    """

    place: Place
    events: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    guards: list[Call] = field(default_factory=list)
    internal: bool = False
    is_timed: bool = False
    validators: list[Call] = field(default_factory=list)
    before: list[Call] = field(default_factory=list)
    on: list[Call] = field(default_factory=list)
    after: list[Call] = field(default_factory=list)


@dataclass(slots=True)
class Delay:
    """A timer: its event, and its time or the name of a function that returns it."""

    place: Place
    event: str
    after: timedelta | str


@dataclass(slots=True, eq=False)
class Described:
    """A state.

    Attributes:
        initial: The states that it is entered by; empty for the first.
        opening: The hooks of the transition to these.
        value: The value in records, where it is not the id.
        data: What its done event brings, of a final state.
    """

    id: str
    kind: Kind
    place: Place
    parent: Described | None = None
    initial: tuple[str, ...] = ()
    opening: list[Call] = field(default_factory=list)
    children: list[Described] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    entry: list[Call] = field(default_factory=list)
    exit: list[Call] = field(default_factory=list)
    timers: list[Delay] = field(default_factory=list)
    value: str | None = None
    data: Call | None = None

    @property
    def remembers(self) -> bool:
        """Whether it is a history state."""
        return self.kind in (Kind.SHALLOW, Kind.DEEP)

    @property
    def states(self) -> list[Described]:
        """Its states that are no history states."""
        return [child for child in self.children if not child.remembers]

    def within(self) -> Iterator[Described]:
        """Yield it and all states within it, in document order."""
        yield self
        for child in self.children:
            yield from child.within()

    def is_within(self, other: Described) -> bool:
        """Return whether it is somewhere within another state."""
        around = self.parent
        while around is not None and around is not other:
            around = around.parent
        return around is not None


@dataclass(slots=True)
class Description:
    """A chart.

    Attributes:
        initial: The states that it begins in; empty for the first.
        raised: The events that its actions raise.
        inner: The events that only the chart itself raises.
    """

    source: Source
    name: str | None
    states: list[Described] = field(default_factory=list)
    initial: tuple[str, ...] = ()
    raised: set[str] = field(default_factory=set)
    inner: frozenset[str] = frozenset()

    def every(self) -> Iterator[Described]:
        """Yield all states in document order."""
        for state in self.states:
            yield from state.within()
