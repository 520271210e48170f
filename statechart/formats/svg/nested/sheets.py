"""The layers of a frame: ranks and order of its members, and the pieces of ties between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from statechart.formats.svg.layered.ordering import ordered
from statechart.formats.svg.layered.ranking import ranks
from statechart.formats.svg.nested.blocks import HIGH, LOW, Block, Form, Port, Shape, Tie, inside, member

_FIRST = 2
"""The layer of the first members: before it are those of the ports, and of labels."""


@dataclass(slots=True, eq=False)
class Piece:
    """The part of a tie within a frame, from a lower layer to a higher.

    Attributes:
        low: The member where it begins, or None: at the frame's own port.
        high: The member where it ends, or None.
        turned: Whether the tie leads from the higher end to the lower.
        span: The layers that it passes, with those of the frame's ports.
        tagged: The layer of its label, if the label is on this piece.
        levels: The position across in each layer of the span.
    """

    tie: Tie
    low: Block | None
    high: Block | None
    turned: bool
    span: range
    tagged: int | None = None
    levels: dict[int, float] = field(default_factory=dict)
    bends: dict[int, float] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Sheet:
    """The layers of a frame, each in order: members, pieces, and ports that end at its border."""

    frame: Block
    layers: list[list[Block | Piece | Port]]
    pieces: list[Piece]
    rank: dict[Block, int]


def arranged(root: Block, ties: Sequence[Tie]) -> dict[Block, Sheet]:
    """Return the sheet of each frame, and give all blocks their ports, from the outside to the inside."""
    sheets: dict[Block, Sheet] = {}
    homes: dict[Block, list[Tie]] = {}
    for tie in ties:
        homes.setdefault(tie.home, []).append(tie)
    waiting = [root]
    for block in waiting:
        _come_back(block, homes.get(block, ()))
        if block.shape is Shape.STACK:
            _share(block, homes.get(block, ()))
        elif block.shape is Shape.TURN:
            _turn(block)
        elif block.shape is Shape.FRAME:
            sheets[block] = _sheet(block, homes.get(block, ()))
        waiting += block.members
    return sheets


def _come_back(block: Block, ties: Sequence[Tie]) -> None:
    """Give a block the ports of ties that leave it and come back."""
    for tie in ties:
        if tie.form in (Form.LOOP, Form.INTO, Form.OUT):
            block.turns.append(tie)
        if tie.form is Form.INTO:
            block.ports[LOW].append(Port(tie, ends=False))
        elif tie.form is Form.OUT:
            block.ports[HIGH].append(Port(tie, ends=False))


def _share(stack: Block, ties: Sequence[Tie]) -> None:
    """Give the lanes of a stack its ports, and those of ties between lanes."""
    for side in (LOW, HIGH):
        lanes: list[list[tuple[float, Port]]] = [[] for _ in stack.members]
        ports = stack.ports[side]
        for index, port in enumerate(ports):
            if port.ends:
                at = min(index * len(lanes) // len(ports), len(lanes) - 1)
                lanes[at].append((float(index), Port(port.tie, ends=True)))
            else:
                at = _lane(stack, port.tie)
                lanes[at].append((float(index), Port(port.tie, stack.members[at] in _ends(port.tie))))
        for tie in ties if side == HIGH else ():
            if tie.form is Form.PLAIN:
                begin, end = (stack.members.index(member(each, stack)) for each in _ends(tie))
                for at, other, block in ((begin, end, tie.source), (end, begin, tie.target)):
                    far = 1000.0 * (1 if other > at else -1) - (other - at)
                    lanes[at].append((far, Port(tie, stack.members[at] is block)))
        for lane, found in zip(stack.members, lanes, strict=True):
            lane.ports[side][:] = [port for _, port in sorted(found, key=lambda pair: pair[0])]
        # The lanes decide the order of what passes them.
        order = {
            port.tie: place for place, port in enumerate(p for m in stack.members for p in m.ports[side])
        }
        ports.sort(key=lambda port: order[port.tie])


def _turn(block: Block) -> None:
    """Give the member of a turn the ports of what passes it: around its corners, without crossing."""
    inner = block.members[0]
    for side in (LOW, HIGH):
        passing = [port for port in block.ports[side] if inner not in _ends(port.tie)]
        ending = [port for port in block.ports[side] if inner in _ends(port.tie)]
        for port in ending:
            port.ends = True
        inner.ports[side].extend(Port(port.tie, ends=False) for port in reversed(passing))
        block.ports[side][:] = [*passing, *ending] if side == LOW else [*ending, *passing]


def _ends(tie: Tie) -> tuple[Block, Block]:
    return tie.source, tie.target


def _lane(stack: Block, tie: Tie) -> int:
    block = tie.source if inside(tie.source, stack) and tie.source is not stack else tie.target
    return stack.members.index(member(block, stack))


def _sheet(frame: Block, ties: Sequence[Tie]) -> Sheet:
    # Final states come last, wherever they are declared.
    members = sorted(frame.members, key=lambda block: block.node is not None and block.node.final)
    numbers = {block: number for number, block in enumerate(members)}
    links = [
        (numbers[member(tie.source, frame)], numbers[member(tie.target, frame)])
        for tie in ties
        if tie.form is Form.PLAIN
    ]
    found = ranks(len(members), links)
    rank = {block: found[number] for block, number in numbers.items()}
    last = _FIRST + 2 * (max(found) + 1)
    pieces = [*_between(frame, ties, rank), *_through(frame, ties, rank, last)]
    for piece in pieces:
        for block, side in ((piece.low, HIGH), (piece.high, LOW)):
            if block is not None:
                block.ports[side].append(Port(piece.tie, block in _ends(piece.tie)))
    sheet = Sheet(frame, _ordered(frame, pieces, rank, last), pieces, rank)
    _order_ports(sheet)
    return sheet


def _layer(rank: int) -> int:
    return _FIRST + 2 * rank


def _between(frame: Block, ties: Sequence[Tie], rank: dict[Block, int]) -> Iterator[Piece]:
    """Yield the pieces between two members."""
    for tie in ties:
        if tie.form is not Form.PLAIN:
            continue
        source, target = member(tie.source, frame), member(tie.target, frame)
        turned = rank[source] > rank[target]
        low, high = (target, source) if turned else (source, target)
        span = range(_layer(rank[low]) + 1, _layer(rank[high]))
        tie.labelled = frame
        yield Piece(tie, low, high, turned, span, span[-1] if turned else span[0])


def _through(frame: Block, ties: Sequence[Tie], rank: dict[Block, int], last: int) -> Iterator[Piece]:
    """Yield the pieces between a member and the frame's own border."""
    for side in (LOW, HIGH):
        inner = [Port(tie, ends=False) for tie in ties if tie.form is Form.INNER and side == LOW]
        for port in (*inner, *frame.ports[side]):
            if port.ends:
                continue
            tie = port.tie
            is_source = inside(tie.source, frame) and tie.source is not frame
            block = member(tie.source if is_source else tie.target, frame)
            at = _layer(rank[block])
            span = range(0, at) if side == LOW else range(at + 1, last + 1)
            low, high = (None, block) if side == LOW else (block, None)
            piece = Piece(tie, low, high, turned=is_source == (side == LOW), span=span)
            if tie.labelled is None and (
                is_source or tie.source.around is tie.home or tie.form > Form.LOOP
            ):
                tie.labelled = frame
                piece.tagged = at - 1 if side == LOW else at + 1
            yield piece
        if inner:
            frame.ports[side][:0] = inner


def _ordered(
    frame: Block, pieces: Sequence[Piece], rank: dict[Block, int], last: int
) -> list[list[Block | Piece | Port]]:
    """Return the layers in an order with few crossings; that of the ports is given."""
    layers: list[list[Block | Piece | Port]] = [[] for _ in range(last + 1)]
    for side, layer in ((LOW, 0), (HIGH, last)):
        through = {piece.tie: piece for piece in pieces if layer in piece.span}
        layers[layer] += [through.get(port.tie, port) for port in frame.ports[side]]
    for block, number in rank.items():
        layers[_layer(number)].append(block)
    for piece in pieces:
        for layer in piece.span:
            if layer not in (0, last):
                layers[layer].append(piece)
    ids = {
        (layer, item): number
        for number, (layer, item) in enumerate(
            (layer, item) for layer, found in enumerate(layers) for item in found
        )
    }
    items = [item for found in layers for item in found]
    links: list[tuple[int, int]] = []
    for piece in pieces:
        way = [ids[layer, piece] for layer in piece.span]
        if piece.low is not None:
            way.insert(0, ids[_layer(rank[piece.low]), piece.low])
        if piece.high is not None:
            way.append(ids[_layer(rank[piece.high]), piece.high])
        links += pairwise(way)
    numbered = [[ids[layer, item] for item in found] for layer, found in enumerate(layers)]
    found = ordered(numbered, links, fixed=frozenset((0, last)))
    return [[items[number] for number in layer] for layer in found]


def _order_ports(sheet: Sheet) -> None:
    """Give the ports of each member the order of the pieces beside it."""
    for block, rank in sheet.rank.items():
        for side, layer in ((LOW, _layer(rank) - 1), (HIGH, _layer(rank) + 1)):
            places = {
                item.tie: place for place, item in enumerate(sheet.layers[layer]) if isinstance(item, Piece)
            }
            block.ports[side].sort(key=lambda port: places[port.tie])
