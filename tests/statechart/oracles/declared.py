"""Charts as plain data: what the oracles interpret, and what classes of charts are built from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

CHART, MODEL, LISTENER, SECOND, NOBODY = "chart", "model", "listener", "second", "nobody"
OWNERS = (CHART, MODEL, LISTENER, SECOND)
"""The objects that have hooks, in the order in which their hooks of equal priority run."""


@dataclass(frozen=True)
class Callback:
    """A guard, validator or hook that is a function.

    Attributes:
        owner: The object that it is a method of, or NOBODY for a function by itself.
        takes: The names of its parameters.
        style: `plain`, `optional` (all have defaults), `keyword` (only by name) or `rest` (and all others).
        adds: It adds one to the total of the model.
        raises: The event that it raises, with the payload of `RAISED`.
        gives: It returns `DONE_DATA`.
    """

    owner: str
    name: str
    takes: tuple[str, ...] = ()
    style: str = "plain"
    adds: bool = False
    raises: str | None = None
    gives: bool = False

    @property
    def label(self) -> str:
        return f"{self.owner}.{self.name}"


@dataclass(frozen=True)
class Attribute:
    """A guard that is an attribute: a field of the model, or a property of another owner."""

    owner: str
    name: str

    @property
    def label(self) -> str:
        return f"{self.owner}.{self.name}"


@dataclass(frozen=True)
class Named:
    """Whatever all owners have under a name: all have to agree."""

    name: str


@dataclass(frozen=True)
class Itself:
    """A function that is given itself."""

    function: Callback


@dataclass(frozen=True)
class Not:
    part: Guard


@dataclass(frozen=True)
class Both:
    left: Guard
    right: Guard


@dataclass(frozen=True)
class Either:
    left: Guard
    right: Guard


@dataclass(frozen=True)
class Compared:
    """Numbers that owners have under a name, compared with a constant."""

    name: str
    operator: str
    number: int


@dataclass(frozen=True)
class In:
    state: str


Guard: TypeAlias = "Named | Itself | Not | Both | Either | Compared | In"


@dataclass(frozen=True)
class Condition:
    """A guard with the answer that is wanted: True for `cond`, False for `unless`."""

    guard: Guard
    wanted: bool = True


@dataclass(frozen=True)
class Given:
    """A hook or validator of a transition or state that is given where that is declared.

    Attributes:
        group: `validators`, `before`, `on`, `after`, `enter` or `exit`.
        what: A name that owners have, or a function. A function of the chart is given by a decorator.
    """

    group: str
    what: str | Callback


@dataclass(frozen=True, eq=False)
class Way:
    """A transition. Without events it is eventless; `decorated` runs for all of an event's transitions."""

    source: str
    targets: tuple[str, ...]
    events: tuple[str, ...] = ()
    internal: bool = False
    conditions: tuple[Condition, ...] = ()
    given: tuple[Given, ...] = ()

    def __str__(self) -> str:
        return f"{self.source}->{','.join(self.targets)}"


@dataclass(frozen=True, eq=False)
class Node:
    """A state. `kind` is atomic, compound, parallel, final, or a history: shallow or deep."""

    id: str
    kind: str = "atomic"
    children: tuple[Node, ...] = ()
    value: object = None
    given: tuple[Given, ...] = ()
    default: str | None = None
    """The target of a history's default transition; the initial child of a compound, else its first."""

    @property
    def is_history(self) -> bool:
        return self.kind in ("shallow", "deep")


@dataclass(frozen=True, eq=False)
class Declared:
    """A chart: its first state is the initial one.

    Attributes:
        decorated: Hooks given by decorators of an event, by event.
        styles: By event, how it is declared: `plain`, `Event`, `id` (an Event with an id and a name) or
            `inline` (in the transitions).
    """

    nodes: tuple[Node, ...]
    ways: tuple[Way, ...]
    callbacks: tuple[Callback, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    decorated: Mapping[str, tuple[Given, ...]] = field(default_factory=dict)
    styles: Mapping[str, str] = field(default_factory=dict)

    @property
    def events(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(event for way in self.ways for event in way.events))

    def all_nodes(self) -> Iterator[Node]:
        """Yield all states in document order."""
        waiting = list(self.nodes)
        while waiting:
            node = waiting.pop(0)
            yield node
            waiting[:0] = node.children


@dataclass(frozen=True)
class Step:
    """An event that is fired, and the behaviour of guards and hooks meanwhile.

    Attributes:
        refuses: The labels of guards that answer no, and of numbers that are 1 instead of 3.
        raises: The label of a callback that raises, or `commit`.
        interrupts: It raises KeyboardInterrupt instead of a ValueError.
    """

    event: str
    payload: Mapping[str, object] = field(default_factory=dict)
    refuses: frozenset[str] = frozenset()
    raises: str | None = None
    interrupts: bool = False


RAISED: Mapping[str, object] = {"amount": 7}
"""The payload of events that hooks raise."""
DONE_DATA: Mapping[str, object] = {"who": "the final state"}
"""What an entry hook of a final state may give to its done event."""
NUMBERS = ("level", "size")
"""The names of guards that are numbers."""


class Missing(TypeError):
    """A callback was called without a keyword that it needs."""


def answer(step: Step, label: str) -> object:
    """Return the answer of a guard or number."""
    if label.rpartition(".")[2] in NUMBERS:
        return 1 if label in step.refuses else 3
    return label not in step.refuses


def behave(step: Step, label: str) -> object:
    """Do what a callback does after its call was noted: raise, or answer."""
    if step.raises == label:
        raise KeyboardInterrupt(label) if step.interrupts else ValueError(label)
    if label.endswith(".prepare_event"):
        return {"zone": label}
    return answer(step, label)
