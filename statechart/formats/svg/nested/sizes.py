"""The size of each block, from the inside to the outside, and the places within it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from statechart.formats.svg.nested.blocks import HIGH, LOW, Block, Form, Port, Shape, Tie
from statechart.formats.svg.nested.frames import columns, spaced
from statechart.formats.svg.nested.rooms import (
    CORNER,
    EDGE,
    FIRST,
    LOOP,
    PAD,
    TRACK,
    TURN,
    head,
    label_room,
    title_width,
)
from statechart.formats.svg.nested.sheets import Sheet
from statechart.formats.svg.nested.tracks import Step, nested
from statechart.formats.svg.texts import box_size

_DOT = 9.0
_MEMORY = 22.0
_LANE = 9.0
_SLOT = 24.0
_CLEAR = 14.0
"""The room between a block in a turn and what passes it."""


@dataclass(slots=True, eq=False)
class Layout:
    """The places within a block, relative to its own.

    Attributes:
        columns: Where each layer begins and ends, along.
        gutters: Where ties between lanes run, along.
    """

    columns: list[tuple[float, float]] = field(default_factory=list)
    gutters: dict[Tie, float] = field(default_factory=dict)


def sized(root: Block, sheets: Mapping[Block, Sheet]) -> dict[Block, Layout]:
    """Give each block its size, its members their places, and return the rest of the places."""
    found: dict[Block, Layout] = {}
    for sheet in sheets.values():
        spaced(sheet)
    for block in root.below():
        if block.shape is Shape.STACK:
            _space(block)
    for block in reversed(list(root.below())):
        match block.shape:
            case Shape.FRAME:
                found[block] = Layout(columns(sheets[block]))
            case Shape.STACK:
                found[block] = _stack(block)
            case Shape.LEAF:
                _leaf(block)
            case Shape.TURN:
                _turned(block, found)
            case _:
                _sign(block)
        _give_margins(block)
    return found


def _space(stack: Block) -> None:
    """Give ports the room of labels between the lanes and the border of their stack."""
    for lane in stack.members:
        for port in lane.ports[HIGH]:
            tie = port.tie
            if tie.labelled is None and tie.source is lane and tie.form is Form.PLAIN:
                _, *around = label_room(tie.text, upright=lane.upright)
                port.room = around[0], around[1]


def _leaf(block: Block) -> None:
    width, height = box_size(block.lines, block.small)
    block.along, block.across = (height, width) if block.upright else (width, height)
    widest = max(map(_needed, block.ports))
    block.across = max(block.across, widest + 2 * CORNER)
    slots = sum(map(slot, slotted(block)))
    block.along = max(block.along, slots - _SLOT + 2 * CORNER if slots else 0.0)
    for side in block.ports:
        _spread(side, block.across)


def _sign(block: Block) -> None:
    """Give a dot or a history state its size; its ports are near its middle."""
    size = _DOT if block.shape is Shape.DOT else _MEMORY
    block.along = size
    block.across = (
        max(size, *(6.0 * len(side) for side in block.ports)) if block.shape is Shape.DOT else size
    )
    for side in block.ports:
        step = min(6.0, size / (len(side) + 1))
        for index, port in enumerate(side):
            port.offset = block.across / 2 + (index - (len(side) - 1) / 2) * step


def _needed(side: Sequence[Port]) -> float:
    return sum(one.room[1] + other.room[0] for one, other in pairwise(side))


def _spread(side: Sequence[Port], across: float) -> None:
    at = (across - _needed(side)) / 2
    for index, port in enumerate(side):
        if index:
            at += side[index - 1].room[1] + port.room[0]
        port.offset = at


def slot(tie: Tie) -> float:
    """Return the room along of a tie that leaves its block and returns to it."""
    return max(_SLOT, label_room(tie.text, upright=tie.home.upright)[0])


def _give_margins(block: Block) -> None:
    """Give a block the margins in which its ties come back."""
    into, out = (sum(tie.form is form for tie in block.turns) for form in (Form.INTO, Form.OUT))
    edge = LOOP + TURN * max(into, out)
    kept = slotted(block)
    deep = max([edge if into or out else 0.0, *(edge + _thick(tie) for tie in kept)])
    begin = slots_at(block)
    end = begin + sum(map(slot, kept)) - block.along
    low, high = (TURN * count + 4.0 if count else 0.0 for count in (into, out))
    block.margins = (max(low, 2.0 - begin), max(high, end + 2.0), deep) if kept else (low, high, deep)


def _thick(tie: Tie) -> float:
    if not tie.text.lines:
        return 3.0
    return (tie.text.width if tie.home.upright else tie.text.height) + 8.0


def _stack(block: Block) -> Layout:
    title = head(block)
    low, high = (max(lane.margins[side] for lane in block.members) for side in (LOW, HIGH))
    along = max(lane.along for lane in block.members)
    begin, at = (title + _LANE + low, 0.0) if block.upright else (_LANE + low, title)
    for lane in block.members:
        lane.along = along
        at += _LANE
        lane.local = (begin, at)
        at += lane.across + lane.margins[2]
    block.across = at + _LANE
    end = begin + along + high
    steps, label = _between(block)
    numbers = nested(steps)
    found = Layout(gutters={tie: end + label + FIRST + TRACK * at for tie, at in numbers.items()})
    block.along = max(found.gutters.values()) + FIRST if numbers else end + _LANE
    if not block.upright:
        _widen(block, title_width(block) + 2 * PAD, found)
    return found


def _between(stack: Block) -> tuple[list[Step[Tie]], float]:
    """Give the ports of a stack their places; return the steps of ties between lanes."""
    ends: dict[Tie, list[float]] = {}
    for lane in stack.members:
        for side in (LOW, HIGH):
            own = {port.tie: port for port in stack.ports[side]}
            for port in lane.ports[side]:
                at = lane.local[1] + port.offset
                if port.tie in own:
                    own[port.tie].offset = at
                elif port.tie.home is stack:
                    ends.setdefault(port.tie, []).append(at)
    rooms = [label_room(tie.text, upright=stack.upright)[0] for tie in ends if tie.labelled is None]
    return [Step(tie, one, other) for tie, (one, other) in ends.items()], max(rooms, default=0.0)


def _widen(block: Block, along: float, layout: Layout) -> None:
    """Make a block longer, if it is shorter than that."""
    more = max(0.0, along - block.along)
    block.along += more
    for lane in block.members if block.shape is Shape.STACK else ():
        lane.along += more
    layout.gutters = {tie: at + more for tie, at in layout.gutters.items()}


def _turned(block: Block, layouts: Mapping[Block, Layout]) -> None:
    """Give a turn its size, and the place of its member between what passes it."""
    inner = block.members[0]
    ending = [[port for port in side if port.ends] for side in block.ports]
    # What leaves by the lower side keeps off the labels of what comes back there.
    begins = (
        CORNER,
        slots_at(inner) + sum(map(slot, slotted(inner))) if inner.turns else CORNER,
    )
    for side, begin in enumerate(begins):
        _widen(inner, begin + _needed(ending[side]) + 2 * CORNER, layouts[inner])
    low, high, after = inner.margins
    passing = [[port for port in side if not port.ends] for side in block.ports]
    rooms = [_CLEAR + TRACK * len(ports) if ports else 0.0 for ports in passing]
    start = rooms[LOW] + low
    inner.local = (0.0, start)
    block.along = inner.across + after
    block.across = start + inner.along + high + rooms[HIGH]
    for side, begin in enumerate(begins):
        _spread(ending[side], inner.along - begin)
        block.free[side] = (start + begin, start + inner.along - CORNER)
        for port in ending[side]:
            port.offset += start + begin
    for index, port in enumerate(passing[LOW]):
        port.offset = 4.0 + TRACK * index
    for index, port in enumerate(passing[HIGH]):
        port.offset = start + inner.along + high + _CLEAR + TRACK * index


def slotted(block: Block) -> list[Tie]:
    """Return the ties that have a slot below a block: loops, and those whose label is there, in order."""
    kept = [tie for tie in block.turns if tie.form is Form.LOOP or tie.labelled is None]
    return sorted(kept, key=lambda tie: (Form.INTO, Form.LOOP, Form.OUT).index(tie.form))


def slots_at(block: Block) -> float:
    """Return where the slots of a block begin, along: in its middle, or in a turn at its beginning."""
    least = EDGE + TURN * sum(tie.form is Form.INTO for tie in block.turns)
    if block.around is not None and block.around.shape is Shape.TURN:
        return least
    middle = (block.along - sum(map(slot, slotted(block)))) / 2
    return max(middle, least) if any(tie.form is Form.INTO for tie in block.turns) else middle
