"""The blocks of a nested picture: the boxes of states within each other, and the ties between them.

Transitions run `along`, and what is side by side is so `across`: in an upright block from top to bottom,
else from left to right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from statechart.formats.svg.geometry import Point
from statechart.formats.svg.texts import Inscription
from statechart.picture import Node

LOW, HIGH = 0, 1
"""The sides of a block along: where most ties enter, and where most leave."""


class Shape(Enum):
    """The kinds of blocks.

    A stack holds lanes side by side, a frame holds blocks in layers, and a turn holds one whose ties run in
    another direction.
    """

    LEAF = "leaf"
    DOT = "dot"
    MEMORY = "memory"
    FRAME = "frame"
    STACK = "stack"
    TURN = "turn"


class Form(IntEnum):
    """How a tie leads from its source to its target."""

    PLAIN = 0
    LOOP = 1
    INTO = 2
    """Out of a block, around its border and into it, to a block within."""
    OUT = 3
    """From a block within to the border around it, by way of the outside."""
    INNER = 4
    """From the border to a block within, without leaving."""


NOTHING = Inscription((), 0.0, 0.0)


@dataclass(slots=True, eq=False)
class Port:
    """A place on a side of a block, where a tie passes or ends.

    Attributes:
        ends: Whether the tie ends at the border.
        room: The room before and after it, across.
        offset: How far it is from where the block begins, across.
    """

    tie: Tie
    ends: bool
    room: tuple[float, float] = (5.0, 5.0)
    offset: float = 0.0


@dataclass(slots=True, eq=False)
class Block:
    """A box of the picture, or a lane without a box.

    Attributes:
        node: The state; None for the whole picture, dots, and lanes that only hold others.
        title: The title, in lines.
        ports: The ports of each side, in order.
        turns: The ties that leave it and come back, without other blocks between.
        along: The extent along, from border to border.
        across: The extent across, likewise.
        margins: The room around the border: along before and after, and across after.
        free: Between where the ports of a side of a turn may be, if they end at its member.
        upright: Whether its own ties run from top to bottom.
        local: Where it begins, along and across in the block around it.
        place: Where it begins in the picture, from the left and from the top.
    """

    node: Node | None
    shape: Shape
    around: Block | None
    upright: bool
    members: list[Block] = field(default_factory=list)
    lines: tuple[str, ...] = ()
    small: tuple[str, ...] = ()
    ports: tuple[list[Port], list[Port]] = field(default_factory=lambda: ([], []))
    turns: list[Tie] = field(default_factory=list)
    along: float = 0.0
    across: float = 0.0
    margins: tuple[float, float, float] = (0.0, 0.0, 0.0)
    free: dict[int, tuple[float, float]] = field(default_factory=dict)
    local: Point = (0.0, 0.0)
    place: Point = (0.0, 0.0)

    def at(self, along: float, across: float) -> Point:
        """Return a place within it as a point of the picture."""
        x, y = self.place
        return (x + across, y + along) if self.upright else (x + along, y + across)

    def chain(self) -> Iterator[Block]:
        """Yield the block and those around it, the innermost first."""
        found: Block | None = self
        while found is not None:
            yield found
            found = found.around

    def port(self, tie: Tie, side: int) -> Port:
        """Return the port of a tie on a side."""
        return next(port for port in self.ports[side] if port.tie is tie)

    def below(self) -> Iterator[Block]:
        """Yield the block and all within it, in document order."""
        yield self
        for member in self.members:
            yield from member.below()


@dataclass(slots=True, eq=False)
class Tie:
    """A transition between blocks, or the arrow from a dot.

    Attributes:
        arrow: The index into the arrows of the picture; None from a dot.
        home: The innermost block around both ends; the block itself of a tie that leaves it and comes back.
        text: The label.
        labelled: The block whose layers have the room of the label, if any.
    """

    arrow: int | None
    source: Block
    target: Block
    home: Block
    form: Form
    text: Inscription = NOTHING
    labelled: Block | None = None


def inside(block: Block, outer: Block) -> bool:
    """Return whether a block is another, or within it."""
    return any(each is outer for each in block.chain())


def member(block: Block, frame: Block) -> Block:
    """Return the member of a frame that a block is, or is in."""
    return next(each for each in block.chain() if each.around is frame)


def tied(arrow: int | None, source: Block, target: Block, *, internal: bool = False) -> Tie:
    """Return the tie between two blocks."""
    if source is target:
        form, home = Form.LOOP, source
    elif inside(target, source):
        form = Form.INNER if internal and source.shape is Shape.FRAME else Form.INTO
        home = source
    elif inside(source, target):
        form, home = Form.OUT, target
    else:
        form = Form.PLAIN
        home = next(each for each in source.chain() if inside(target, each))
    return Tie(arrow, source, target, home, form)
