"""The parts of a diagram, before a format draws it.

The picture of a chart with states within states is the same picture with more in it:

- `nodes` has all states in document order: each before those within it, history states first. `Node.parent`
  is the state around it, or "" at the top; `Node.kind` says how to draw it: `atomic` and `final` as boxes,
  `compound` as a frame around its states, `parallel` as a frame around regions side by side, `shallow` and
  `deep` as a history, H and H*. `Picture.within(state)` has the children of a state, and of the chart ("").
- `Node.opens` has the states that a compound state is entered by: usually one child, rarely a state deeper
  within. `Node.initial` is true of each of these and of `Picture.starts`.
  Regions of a parallel state have no initial mark.
- An arrow may leave and enter states of any depth and kind. `Arrow.others` has further targets, in other
  regions. `Arrow.trigger` is `event`, `done` (the chart raises it when a state is done), `always` (without
  an event), or `default` (from a history state, to where it leads while it remembers nothing).
  `Arrow.names` has the words for all of these, with timers, such as `expire after 30 min`,
  `(done)`, `(always)` or `(default)`.
- `Arrow.reach` is `external`; `internal` for one that does not leave its source, a compound state around
  the target; or `stays` for one without a target: it leaves and enters nothing, its `target` repeats its
  source, and it is written within the state instead of drawn, by `Arrow.within`.
- `classes` has `current` or `failed` for each active state without states within it, and `around` for the
  states around these.
- Phases are boxes around states at the top.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from statechart.wording import counted

if TYPE_CHECKING:
    from statechart.engine.hooks import Microstep

REMARK = "{}"
"""The words of the note about the current state."""

Escape: TypeAlias = "Callable[[str], str]"
"""Writes a text so that a format shows it, and gives none of its characters a meaning."""

ArrowMark: TypeAlias = Literal["", "failed", "missed", "untested", "unseen"]
"""A transition that led to the current failure, that no test covers, that production took although no
test covers it, or that tests cover and production never took.
"""


Kind: TypeAlias = Literal["atomic", "final", "compound", "parallel", "shallow", "deep"]
"""The kinds of states; the last two are history states."""

Trigger: TypeAlias = Literal["event", "done", "always", "default"]
"""The cause of a transition: an event, a state that is done, none, or a history without memory."""

Reach: TypeAlias = Literal["external", "internal", "stays"]
"""Whether a transition leaves its source, stays within it, or has no target."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A transition that was taken.

    Attributes:
        source: The state, or the text of the configuration, such as `awaiting + packing`.
        target: The same, afterwards.
        steps: The microsteps, of a chart with states within states.
        label: A text for formats that write one text at a transition: its order and its time, for example.
        time: The time, for pictures that show the order on their own.
    """

    source: str
    event: str
    target: str
    label: str = ""
    time: str = ""
    steps: tuple[Microstep, ...] = ()


@dataclass(frozen=True, slots=True)
class Marks:
    """The highlights of a diagram.

    Attributes:
        current: The current state, or the text of the configuration, such as `awaiting + packing`.
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
        initial: Whether the chart, or a compound state, is entered by this state.
        parent: The identifier of the state around it, or "".
        opens: The identifiers of the states that a compound state is entered by.
    """

    id: str
    name: str
    initial: bool = False
    final: bool = False
    actions: tuple[str, ...] = ()
    failure: bool = False
    kind: Kind = "atomic"
    parent: str = ""
    opens: tuple[str, ...] = ()

    @property
    def is_history(self) -> bool:
        """Whether it is a history state."""
        return self.kind in ("shallow", "deep")

    @property
    def is_around(self) -> bool:
        """Whether it has states within it."""
        return self.kind in ("compound", "parallel")


@dataclass(frozen=True, slots=True)
class Arrow:
    """A transition as it is drawn.

    Attributes:
        target: The identifier of the target; of the source, if it has none.
        events: The identifiers of its events.
        names: The names of its events, for people, with their timers; or the words for having none.
        label: A remark on the events: when they were fired, for example.
        taken: Whether it is among the transitions that were taken, or covered by a test.
        order: A short text for the order in which it was taken: `3`, `2, 5`, or `4x`.
        detail: A short line below the events: the time, or the numbers of tests.
        mark: Why it deserves attention, beyond `taken`.
        others: The identifiers of its further targets, in other regions.
        trigger: The cause.
        reach: Whether it leaves its source.
        timed: Whether a timer fires one of its events.
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
    others: tuple[str, ...] = ()
    trigger: Trigger = "event"
    reach: Reach = "external"
    timed: bool = False

    @property
    def targets(self) -> tuple[str, ...]:
        """The identifiers of all targets; none of a transition that stays."""
        return () if self.reach == "stays" else (self.target, *self.others)

    @property
    def kind(self) -> Literal["plain", "taken", "failed", "missed", "untested", "unseen"]:
        """The class of the transition, which a format shows by colour and dash."""
        return self.mark or ("taken" if self.taken else "plain")

    def spelled(self, escape: Escape) -> str:
        """Return the events and the label, each escaped."""
        label = f" ({escape(self.label)})" if self.label else ""
        return ", ".join(map(escape, self.names)) + label

    def within(self, escape: Escape) -> str:
        """Return the line about a transition that stays, which is written within its state."""
        guards = f" [{', '.join(map(escape, self.guards))}]" if self.guards else ""
        return f"{self.spelled(escape)}{guards} (stays)"


@dataclass(frozen=True, slots=True)
class Note:
    """A text at a state: our words, with `{}` for each text of the chart.

    Attributes:
        arrows: The transitions that the note stands for.
        beside: Further states, which are active together with the first.
    """

    state: str
    words: str
    texts: tuple[str, ...]
    arrows: tuple[Arrow, ...] = ()
    beside: tuple[str, ...] = ()

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
        classes: The class of each state: `current`, `failed`, `around`, `visited`, `failure`, or `missed`
            by tests.
        missed: The transitions that tests missed, as indexes into `arrows`.
        starts: The states that the chart begins in: one at the top, except in some charts that were loaded.
    """

    name: str
    nodes: Sequence[Node]
    arrows: Sequence[Arrow]
    whole: Sequence[Arrow]
    boxes: Mapping[str, tuple[str, ...]]
    notes: Sequence[Note]
    classes: Mapping[str, str]
    missed: frozenset[int] = field(default_factory=frozenset)
    starts: tuple[str, ...] = ()

    @property
    def is_nested(self) -> bool:
        """Whether there are states within states."""
        return any(node.parent for node in self.nodes)

    def node(self, state: str) -> Node:
        """Return a state by its identifier."""
        return next(node for node in self.nodes if node.id == state)

    def within(self, state: str = "") -> list[Node]:
        """Return the states directly within a state, or those at the top."""
        return [node for node in self.nodes if node.parent == state]

    def around(self, state: str) -> list[str]:
        """Return the identifiers of the states around a state, the nearest first."""
        parents = {node.id: node.parent for node in self.nodes}
        found: list[str] = []
        while state := parents[state]:
            found.append(state)
        return found

    def described(self) -> str:
        """Return the picture in a sentence, for people who don't see it."""
        names = {node.id: node.name for node in self.nodes}
        states = sum(not node.is_history for node in self.nodes)
        said = [f"{self.name}: {counted(states, 'state')}"]
        marked = ((node.id, self.classes.get(node.id)) for node in self.nodes)
        now = [(state, shown) for state, shown in marked if shown in ("current", "failed")]
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
