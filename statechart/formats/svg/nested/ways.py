"""The way of each tie through the picture: its corners, from its source to its target, and its label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from statechart.formats.svg.geometry import Anchor, Label, Point
from statechart.formats.svg.nested.blocks import HIGH, LOW, Block, Form, Shape, Tie
from statechart.formats.svg.nested.frames import changes
from statechart.formats.svg.nested.rooms import EDGE, LOOP, TURN, label_room
from statechart.formats.svg.nested.sheets import Piece, Sheet
from statechart.formats.svg.nested.sizes import Layout, slot, slots_at, slotted

_BELOW_TEXT = 3.0
_SLANT = 6.0
_BESIDE_TEXT = 5.0


class Ways:
    """The ways of ties, once everything has its place.

    Args:
        sheets: The layers of each frame.
        layouts: The places within each block.
    """

    def __init__(self, sheets: Mapping[Block, Sheet], layouts: Mapping[Block, Layout]) -> None:
        self._sheets = sheets
        self._layouts = layouts
        self._pieces: dict[tuple[Tie, Block], Piece] = {
            (piece.tie, frame): piece for frame, sheet in sheets.items() for piece in sheet.pieces
        }

    def way(self, tie: Tie) -> list[Point]:
        """Return the corners of a tie."""
        points = _at_lane(tie, tie.source)
        for block in self._passed(tie, tie.source):
            points += self._through(tie, block, outwards=True)
        points += self._at_home(tie)
        for block in reversed(list(self._passed(tie, tie.target))):
            points += self._through(tie, block, outwards=False)
        points += _at_lane(tie, tie.target)
        return list(_corners(points))

    def label(self, tie: Tie) -> Label | None:
        """Return the label of a tie, if it has one."""
        if not tie.text.lines or tie.arrow is None:
            return None
        frame = tie.labelled
        if frame is not None:
            piece = self._pieces[tie, frame]
            assert piece.tagged is not None
            begin, end = self._layouts[frame].columns[piece.tagged]
            return _beside(tie, frame, (begin + end) / 2, piece.levels[piece.tagged])
        if tie.form is Form.PLAIN:  # between two lanes
            lane = _lane(tie, tie.source)
            wide = label_room(tie.text, upright=lane.upright)[0]
            return _beside(tie, lane, lane.along + wide / 2, lane.port(tie, HIGH).offset)
        return self._under(tie)

    def _passed(self, tie: Tie, end: Block) -> Iterator[Block]:
        """Yield the blocks between an end of a tie and its home that have a part of its way."""
        for block in end.chain():
            if block is tie.home:
                break
            if block is not end and block.shape in (Shape.FRAME, Shape.TURN):
                yield block
        comes_back = tie.form in (Form.INTO, Form.OUT, Form.INNER)
        if comes_back and end is not tie.home and tie.home.shape is Shape.FRAME:
            yield tie.home

    def _through(self, tie: Tie, block: Block, *, outwards: bool) -> list[Point]:
        """Return the corners of the part within a frame or a turn."""
        if block.shape is Shape.TURN:
            points = self._around(tie, block)
            return points[::-1] if outwards == (self._side(tie, block) == LOW) else points
        piece = self._pieces[tie, block]
        points = self._piece(piece, block)
        return points[::-1] if piece.turned else points

    def _piece(self, piece: Piece, frame: Block) -> list[Point]:
        """Return the corners of a piece, from its lower end to its higher."""
        tops = {block: block.local[1] for block in self._sheets[frame].rank}
        points: list[Point] = []
        if piece.low is not None:
            across = tops[piece.low] + piece.low.port(piece.tie, HIGH).offset
            points.append((piece.low.local[0] + piece.low.along, across))
        else:
            points.append((0.0, piece.levels[0]))
        for layer, before, after in changes(piece, tops):
            at = piece.bends.get(layer)
            if at is not None:
                # A step of a few pixels would look like a kink.
                slant = _SLANT if abs(before - after) < _SLANT else 0.0
                points += [(at - slant, before), (at + slant, after)]
        if piece.high is not None:
            points.append((piece.high.local[0], tops[piece.high] + piece.high.port(piece.tie, LOW).offset))
        else:
            points.append((frame.along, piece.levels[piece.span[-1]]))
        return [frame.at(*point) for point in points]

    def _side(self, tie: Tie, block: Block) -> int:
        return LOW if any(port.tie is tie for port in block.ports[LOW]) else HIGH

    def _around(self, tie: Tie, block: Block) -> list[Point]:
        """Return the corners of a way past the member of a turn, from low to high."""
        inner, side = block.members[0], self._side(tie, block)
        across = block.port(tie, side).offset
        begin, end = inner.local[1], inner.local[1] + inner.along
        points = [(0.0, across)] if side == LOW else [(block.along, across)]
        if block.port(tie, side).ends:
            points.append((0.0 if side == LOW else inner.across, across))
        else:
            at = inner.port(tie, side).offset
            points += [(at, across), (at, begin if side == LOW else end)]
        placed = [block.at(*point) for point in points]
        return placed if side == LOW else placed[::-1]

    def _at_home(self, tie: Tie) -> list[Point]:
        home = tie.home
        match tie.form:
            case Form.LOOP | Form.INTO | Form.OUT:
                return [home.at(*point) for point in self._turn(tie)]
            case Form.PLAIN if home.shape is Shape.STACK:
                lanes = [_lane(tie, end) for end in (tie.source, tie.target)]
                (one, first), (other, second) = (
                    (lane.local[0] + lane.along, lane.local[1] + lane.port(tie, HIGH).offset)
                    for lane in lanes
                )
                track = self._layouts[home].gutters[tie]
                points = [(one, first), (track, first), (track, second), (other, second)]
                return [home.at(*point) for point in points]
            case Form.PLAIN:
                return self._through(tie, home, outwards=True)
            case _:
                return []

    def _turn(self, tie: Tie) -> list[Point]:
        """Return the corners of a part that leaves a block and comes back to it."""
        block = tie.home
        end = block.across
        index = [each for each in block.turns if each.form is tie.form].index(tie)
        if tie.form is Form.LOOP:
            middle, depth = _middle(tie), end + LOOP
            return [(middle - 9, end), (middle - 9, depth), (middle + 9, depth), (middle + 9, end)]
        depth, far = end + LOOP + TURN * index, TURN * (index + 1)
        if tie.form is Form.INTO:
            begin, across = EDGE + TURN * index, block.port(tie, LOW).offset
            return [(begin, end), (begin, depth), (-far, depth), (-far, across), (0.0, across)]
        begin, across = block.along - EDGE - TURN * index, block.port(tie, HIGH).offset
        high = block.along
        return [(high, across), (high + far, across), (high + far, depth), (begin, depth), (begin, end)]

    def _under(self, tie: Tie) -> Label:
        """Return the label of a tie that leaves a block and comes back to it."""
        block, text = tie.home, tie.text
        turns = [sum(each.form is form for each in block.turns) for form in (Form.INTO, Form.OUT)]
        depth = block.across + LOOP + TURN * max(turns) + 4.0
        along = _middle(tie)
        x, y = block.at(along, depth)
        if block.upright:
            return _label(tie, x, y - text.height / 2, "start")
        return _label(tie, x - text.width / 2, y, "middle")


def _at_lane(tie: Tie, end: Block) -> list[Point]:
    """Return the end of a tie at the border of a lane, which its stack has no corner for."""
    if end is tie.home or end.around is None or end.around.shape is not Shape.STACK:
        return []
    for side, along in ((LOW, 0.0), (HIGH, end.along)):
        for port in end.ports[side]:
            if port.tie is tie:
                return [end.at(along, port.offset)]
    return []


def _lane(tie: Tie, end: Block) -> Block:
    return next(each for each in end.chain() if each.around is tie.home)


def _middle(tie: Tie) -> float:
    """Return the middle of the slot of a tie below its block, along from where the block begins."""
    ties = slotted(tie.home)
    slots = [slot(each) for each in ties]
    index = ties.index(tie)
    return slots_at(tie.home) + sum(slots[:index]) + slots[index] / 2


def _beside(tie: Tie, block: Block, along: float, across: float) -> Label:
    """Return a label at a level: over a lying wire, or to the right of an upright one."""
    text, (x, y) = tie.text, block.at(along, across)
    if block.upright:
        return _label(tie, x + _BESIDE_TEXT, y - text.height / 2, "start")
    return _label(tie, x - text.width / 2, y - text.height - _BELOW_TEXT, "middle")


def _label(tie: Tie, x: float, y: float, anchor: Anchor) -> Label:
    text = tie.text
    return Label(
        x,
        y,
        text.width,
        text.height,
        text.lines,
        tie.arrow,
        text.order,
        text.detail,
        anchor,
        timed=text.timed,
    )


def _corners(points: Sequence[Point]) -> Iterator[Point]:
    """Yield points without those on a straight line between their neighbours."""
    kept: list[Point] = []
    for point in points:
        if kept and abs(kept[-1][0] - point[0]) < 0.05 and abs(kept[-1][1] - point[1]) < 0.05:
            continue
        if len(kept) > 1 and _is_straight(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    yield from kept


def _is_straight(one: Point, middle: Point, other: Point) -> bool:
    return any(
        abs(one[axis] - middle[axis]) < 0.05 and abs(middle[axis] - other[axis]) < 0.05 for axis in (0, 1)
    )
