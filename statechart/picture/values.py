"""The parts of a diagram, before a format draws it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from statechart.wording import counted

REMARK = "{}"
"""The words of the note about the current state."""

Escape: TypeAlias = "Callable[[str], str]"
"""Writes a text so that a format shows it, and gives none of its characters a meaning."""

ArrowMark: TypeAlias = Literal["", "failed", "missed", "untested", "unseen"]
"""A transition that led to the current failure, that no test covers, that production took although no
test covers it, or that tests cover and production never took.
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """A transition that was taken.

    Attributes:
        label: A text for formats that write one text at a transition: its order and its time, for example.
        time: The time, for pictures that show the order on their own.
    """

    source: str
    event: str
    target: str
    label: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class Marks:
    """The highlights of a diagram.

    Attributes:
        current: The current state.
        failed: Whether the current state means a failure.
        visits: The transitions that led there, oldest first.
        remark: A line about the current state: the step that failed, for example.
    """

    current: str | None = None
    failed: bool = False
    visits: Sequence[Visit] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A state as it is drawn.

    Attributes:
        id: ASCII letters, digits and underscores, different for each state.
        name: The name for people.
        actions: The actions on entry and exit, a line each.
        failure: Whether the chart declares the state as a failure.
    """

    id: str
    name: str
    initial: bool = False
    final: bool = False
    actions: tuple[str, ...] = ()
    failure: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    """A transition as it is drawn.

    Attributes:
        events: The identifiers of its events.
        names: The names of its events, for people.
        label: A remark on the events: when they were fired, for example.
        taken: Whether it is among the transitions that were taken, or covered by a test.
        order: A short text for the order in which it was taken: `3`, `2, 5`, or `4x`.
        detail: A short line below the events: the time, or the numbers of tests.
        mark: Why it deserves attention, beyond `taken`.
    """

    source: str
    target: str
    events: tuple[str, ...]
    names: tuple[str, ...]
    guards: tuple[str, ...] = ()
    label: str = ""
    taken: bool = False
    order: str = ""
    detail: str = ""
    mark: ArrowMark = ""

    @property
    def kind(self) -> Literal["plain", "taken", "failed", "missed", "untested", "unseen"]:
        """The class of the transition, which a format shows by colour and dash."""
        return self.mark or ("taken" if self.taken else "plain")

    def spelled(self, escape: Escape) -> str:
        """Return the events and the label, each escaped."""
        label = f" ({escape(self.label)})" if self.label else ""
        return ", ".join(map(escape, self.names)) + label


@dataclass(frozen=True, slots=True)
class Note:
    """A text at a state: our words, with `{}` for each text of the chart.

    Attributes:
        arrows: The transitions that the note stands for.
    """

    state: str
    words: str
    texts: tuple[str, ...]
    arrows: tuple[Arrow, ...] = ()

    @property
    def is_remark(self) -> bool:
        """Whether the note is the remark about the current state."""
        return self.words == REMARK

    def spelled(self, escape: Escape) -> str:
        """Return the note with each text of the chart escaped."""
        return self.words.format(*map(escape, self.texts))


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, ready to be drawn. Its texts are printable lines, which each format has to escape.

    Attributes:
        arrows: The drawn transitions, without those that became notes.
        whole: All transitions, for tables.
        boxes: The states of each phase.
        classes: The class of each state: `current`, `failed`, `visited`, `failure`, or `missed` by tests.
        missed: The transitions that tests missed, as indexes into `arrows`.
    """

    name: str
    nodes: Sequence[Node]
    arrows: Sequence[Arrow]
    whole: Sequence[Arrow]
    boxes: Mapping[str, tuple[str, ...]]
    notes: Sequence[Note]
    classes: Mapping[str, str]
    missed: frozenset[int] = field(default_factory=frozenset)

    def described(self) -> str:
        """Return the picture in a sentence, for people who don't see it."""
        names = {node.id: node.name for node in self.nodes}
        said = [f"{self.name}: {counted(len(self.nodes), 'state')}"]
        now = [(state, shown) for state, shown in self.classes.items() if shown in ("current", "failed")]
        said += [f"now in {names[state]}{', failed' if shown == 'failed' else ''}" for state, shown in now]
        said += [note.spelled(str) for note in self.notes if note.is_remark]
        if self.missed:
            said.append(f"no test covers {counted(len(self.missed), 'transition')}")
        return "; ".join(said)


def printable(text: str) -> str:
    """Return a text on one line, without the characters that pages and XML can't hold."""
    return _UNFIT.sub("\ufffd", " ".join(text.split()))


# Controls of bidirectional text would turn what follows on a page around.
_UNFIT = re.compile("[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")


def identifiers(texts: Iterable[str]) -> list[str]:
    """Return a different identifier for each text, of ASCII letters, digits and underscores."""
    given: dict[str, None] = {}
    for text in texts:
        spelled = re.sub("[^0-9A-Za-z]+", "_", text)
        while spelled in given:
            spelled += "_"
        given[spelled] = None
    return list(given)
