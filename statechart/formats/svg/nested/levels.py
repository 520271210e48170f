"""The levels of a frame: where its members, pieces and ports are across, as straight as they can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from statechart.formats.svg.layered.placing import Distance, Spring, placed
from statechart.formats.svg.nested.blocks import HIGH, LOW, Block, Port, Shape
from statechart.formats.svg.nested.rooms import BESIDE, PAD, head, label_room, title_width
from statechart.formats.svg.nested.sheets import Piece, Sheet

_APART = 0.0, 2 * BESIDE, 18.0
"""The room between two wires, a wire and a block, and two blocks."""

_STRONG, _FAINT = 3.0, 0.05


@dataclass(slots=True)
class _Levels:
    """The variables of a frame, with what they keep apart and pull together."""

    sheet: Sheet
    numbers: dict[tuple[int, object], int] = field(default_factory=dict)
    springs: list[Spring] = field(default_factory=list)
    distances: dict[tuple[int, int], float] = field(default_factory=dict)
    count: int = 0

    def new(self) -> int:
        """Return a new variable."""
        self.count += 1
        return self.count - 1


def levels(sheet: Sheet) -> dict[Block, float]:
    """Place all of a frame across, and return where each member begins."""
    found = _Levels(sheet)
    members = {block: found.new() for block in sheet.rank}
    for block, rank in sheet.rank.items():
        found.numbers[2 + 2 * rank, block] = members[block]
    broken = _broken(sheet)
    for piece in sheet.pieces:
        _piece(piece, found, members, broken)
    first, variable = next(iter(members.items()))
    titled = found.new()
    for layer in (0, len(sheet.layers) - 1):
        for item in sheet.layers[layer]:
            if isinstance(item, Port):
                found.numbers[layer, item] = found.new()
                found.springs.append(Spring(variable, found.count - 1, first.across / 2, _FAINT))
    _keep_apart(found, titled)
    linked = {end for spring in found.springs for end in (spring.first, spring.second)}
    loose = (each for each in range(found.count) if each not in linked and each != variable)
    found.springs += [Spring(variable, each, 0.0, _FAINT) for each in loose]
    distances = [Distance(one, other, least) for (one, other), least in found.distances.items()]
    return _shifted(found, placed(found.count, distances, found.springs), titled)


def _keep_apart(found: _Levels, titled: int) -> None:
    """Demand the distances between neighbours in each layer, and of ports to the title."""
    frame = found.sheet.frame
    for number, layer in enumerate(found.sheet.layers):
        for one, other in pairwise(layer):
            blocks = isinstance(one, Block) + isinstance(other, Block)
            least = _side(one, number, 1, frame) + _side(other, number, 0, frame)
            key = found.numbers[number, one], found.numbers[number, other]
            found.distances[key] = max(least + _APART[blocks], found.distances.get(key, 0.0))
    for item in found.sheet.layers[0]:
        found.distances[titled, found.numbers[0, item]] = _titled(frame)


def _titled(frame: Block) -> float:
    """Return the room across of the titles that wires into an upright frame would pass."""
    if not frame.upright:
        return 0.0
    stack = frame.around
    above = title_width(stack) + 6.0 if stack and stack.lines and stack.members[0] is frame else 0.0
    return max(title_width(frame) + 6.0 if frame.lines else 0.0, above)


def _piece(
    piece: Piece, found: _Levels, members: Mapping[Block, int], broken: set[tuple[Piece, int]]
) -> None:
    variable = -1
    for layer in piece.span:
        if layer == piece.span[0] or (piece, layer) in broken:
            before, variable = variable, found.new()
            if before >= 0:
                found.springs.append(Spring(before, variable, 0.0, _STRONG))
        found.numbers[layer, piece] = variable
    for block, side, layer in ((piece.low, HIGH, piece.span[0]), (piece.high, LOW, piece.span[-1])):
        if block is not None:
            ports = block.ports[side]
            weight = 1.0 + 1.0 / len(ports)
            if Shape.DOT in (piece.tie.source.shape, block.shape):
                weight = _STRONG
            elif _is_chained(piece):
                weight *= 2.0
            there = found.numbers[layer, piece]
            found.springs.append(Spring(members[block], there, block.port(piece.tie, side).offset, weight))


def _is_chained(piece: Piece) -> bool:
    """Return whether a piece leads from a member to the next layer's, which looks best in one line."""
    return len(piece.span) == 1 and not piece.turned


def _side(item: object, layer: int, side: int, frame: Block) -> float:
    """Return the room of an item before or behind its level."""
    if isinstance(item, Block):
        return item.across + item.margins[2] if side else 0.0
    if isinstance(item, Piece) and item.tagged == layer:
        return label_room(item.tie.text, upright=frame.upright)[1 + side]
    return item.room[side] if isinstance(item, Port) else BESIDE


def _shifted(found: _Levels, values: list[float], titled: int) -> dict[Block, float]:
    """Write the values into pieces and ports, so that the frame begins at 0."""
    sheet, frame = found.sheet, found.sheet.frame
    tops, ends = [], []
    for (layer, item), variable in found.numbers.items():
        tops.append(values[variable] - _side(item, layer, 0, frame))
        ends.append(values[variable] + _side(item, layer, 1, frame))
    above = 0.0 if frame.upright else head(frame)
    pad = PAD if frame.node is not None else 0.0
    if _titled(frame):
        tops.append(values[titled])
        ends.append(values[titled] + _titled(frame))
    shift = above + (pad if not above else 4.0) - min(tops)
    frame.across = max(ends) + shift + pad
    for (layer, item), variable in found.numbers.items():
        value = values[variable] + shift
        if isinstance(item, Piece):
            item.levels[layer] = value
    last = len(sheet.layers) - 1
    for side, layer in ((LOW, 0), (HIGH, last)):
        for item in sheet.layers[layer]:
            port = item if isinstance(item, Port) else frame.port(item.tie, side)  # type: ignore[union-attr]
            port.offset = values[found.numbers[layer, item]] + shift
    return {block: values[found.numbers[2 + 2 * rank, block]] + shift for block, rank in sheet.rank.items()}


def _broken(sheet: Sheet) -> set[tuple[Piece, int]]:
    """Return the layers into which pieces can't be straight, since they cross others there."""
    broken: set[tuple[Piece, int]] = set()
    order = sorted(sheet.pieces, key=lambda piece: -len(piece.span))
    for number, (layer, after) in enumerate(pairwise(sheet.layers)):
        here = {item: place for place, item in enumerate(layer) if isinstance(item, Piece)}
        there = {item: place for place, item in enumerate(after) if isinstance(item, Piece)}
        kept: list[tuple[int, int]] = []
        for piece in order:
            if piece in here and piece in there:
                step = here[piece], there[piece]
                if any((step[0] < other[0]) != (step[1] < other[1]) for other in kept):
                    broken.add((piece, number + 1))
                else:
                    kept.append(step)
    return broken
