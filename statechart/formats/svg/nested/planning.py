"""The plan of a nested picture: its blocks and ties, placed, as boxes, wires and labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from statechart.formats.svg.framing import framed
from statechart.formats.svg.geometry import Box, Plan, Point, Wire
from statechart.formats.svg.metrics import NAME_SIZE, limited, wrapped
from statechart.formats.svg.nested.blocks import NOTHING, Block, Shape, Tie, tied
from statechart.formats.svg.nested.sheets import arranged
from statechart.formats.svg.nested.sizes import sized
from statechart.formats.svg.nested.ways import Ways
from statechart.formats.svg.texts import inscription, name_lines, small_lines
from statechart.picture import Node, Picture

_TITLE_WIDTH = 260.0
_SHRUNK = 2.0


def plan(picture: Picture, *, upright: bool = False, width: float) -> Plan:
    """Return the plan of a picture with states within states.

    Args:
        picture: The picture.
        upright: Whether all transitions run from top to bottom, for narrow screens.
        width: The width of the page.
    """
    depth = 1 + max(len(picture.around(node.id)) for node in picture.nodes)
    if upright:
        return _planned(picture, depth)
    lying = _planned(picture, 0)
    if lying.width <= width:
        return lying
    # Outer states run from top to bottom where the page would be too narrow for a lying picture.
    others = (_planned(picture, turned) for turned in range(1, depth + 1))
    return min((lying, *others), key=lambda each: _cost(each, width))


def _cost(plan: Plan, width: float) -> float:
    """Return how ill a plan suits a page: its height there in widths, and how much smaller it has to be."""
    scale = min(1.0, width / plan.width)
    return plan.height * scale / width + _SHRUNK * (1.0 / scale - 1.0)


def _planned(picture: Picture, turned: int) -> Plan:
    """Return the plan in which the ties of that many outer levels run from top to bottom."""
    root, blocks = _blocks(picture, turned)
    ties = [*_begun(root, picture, blocks), *_ties(picture, blocks)]
    sheets = arranged(root, ties)
    _inscribe(ties, picture)
    layouts = sized(root, sheets)
    for block in root.below():
        for member in block.members:
            member.place = block.at(*member.local)
    ways = Ways(sheets, layouts)
    wires = [Wire(tie.arrow, tuple(ways.way(tie))) for tie in ties]
    labels = [label for label in map(ways.label, ties) if label is not None]
    boxes = [_box(block) for block in root.below() if block.node is not None]
    separators = list(_separators(root))
    return framed(picture, boxes=boxes, wires=wires, labels=labels, separators=separators)


def _blocks(picture: Picture, turned: int) -> tuple[Block, dict[str, Block]]:
    """Return the block of the whole picture, and those of the states."""
    root = Block(None, Shape.FRAME, None, upright=turned > 0)
    blocks: dict[str, Block] = {}
    said = _said(picture)
    for node in picture.nodes:
        around = blocks[node.parent] if node.parent else root
        depth = len(picture.around(node.id)) + 1
        if around.shape is Shape.STACK:
            if node.kind != "compound":
                around = _lane(around, is_history=node.is_history)
        elif node.is_around and around.upright and depth >= turned:
            turn = Block(None, Shape.TURN, around, around.upright)
            around.members.append(turn)
            around = turn
        is_upright = around.upright and around.shape is not Shape.TURN
        block = Block(node, _shape(node), around, is_upright)
        if node.is_around:
            block.lines = limited(wrapped(node.name, _TITLE_WIDTH, NAME_SIZE, bold=True), 1)
            block.small = small_lines(said[node.id])
        elif not node.is_history:
            block.lines = name_lines(node, narrow=is_upright)
            block.small = small_lines(said[node.id], narrow=is_upright)
        around.members.append(block)
        blocks[node.id] = block
    return root, blocks


def _said(picture: Picture) -> dict[str, tuple[str, ...]]:
    """Return the lines below the name of each state: actions, and transitions that stay."""
    stays = [arrow for arrow in picture.arrows if arrow.reach == "stays"]
    return {
        node.id: (*node.actions, *(arrow.within(str) for arrow in stays if arrow.source == node.id))
        for node in picture.nodes
    }


def _shape(node: Node) -> Shape:
    match node.kind:
        case "compound":
            return Shape.FRAME
        case "parallel":
            return Shape.STACK
        case "shallow" | "deep":
            return Shape.MEMORY
        case _:
            return Shape.LEAF


def _lane(stack: Block, *, is_history: bool) -> Block:
    """Return a lane without a box: one for all histories of a stack, or one for a state."""
    for lane in stack.members if is_history else ():
        if lane.node is None:
            return lane
    lane = Block(None, Shape.FRAME, stack, stack.upright)
    stack.members.append(lane)
    return lane


def _begun(root: Block, picture: Picture, blocks: Mapping[str, Block]) -> Iterator[Tie]:
    """Yield the ties from the dots of frames to their initial states."""
    opened = [(root, picture.starts), *((blocks[node.id], node.opens) for node in picture.nodes)]
    for frame, states in opened:
        if states and frame.shape is Shape.FRAME:
            dot = Block(None, Shape.DOT, frame, frame.upright)
            frame.members.insert(0, dot)
            yield from (tied(None, dot, blocks[state]) for state in states)


def _ties(picture: Picture, blocks: Mapping[str, Block]) -> Iterator[Tie]:
    """Yield the ties of arrows, one to each target."""
    for index, arrow in enumerate(picture.arrows):
        for target in arrow.targets:
            yield tied(index, blocks[arrow.source], blocks[target], internal=arrow.reach == "internal")


def _inscribe(ties: Sequence[Tie], picture: Picture) -> None:
    """Give ties their texts: for each arrow, the first."""
    seen: set[int] = set()
    for tie in ties:
        if tie.arrow is not None and tie.arrow not in seen:
            seen.add(tie.arrow)
            place = tie.labelled or tie.home
            text = inscription(picture.arrows[tie.arrow], narrow=place.upright)
            tie.text = text if any(text.lines) else NOTHING


def _box(block: Block) -> Box:
    assert block.node is not None
    x, y = block.place
    wide, high = (block.across, block.along) if block.upright else (block.along, block.across)
    return Box(block.node.id, x, y, wide, high, block.lines, block.small)


def _separators(root: Block) -> Iterator[tuple[Point, Point]]:
    """Yield the ends of the lines between the lanes of each stack."""
    for block in root.below():
        if block.shape is not Shape.STACK:
            continue
        for before, lane in pairwise(block.members):
            at = (before.local[1] + before.across + lane.local[1]) / 2
            begin, end = lane.local[0], lane.local[0] + lane.along
            yield block.at(begin, at), block.at(end, at)
