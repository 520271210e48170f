"""The layers of a frame in their places: along, one after the other; across, as straight as they can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from statechart.formats.svg.layered.placing import levelled
from statechart.formats.svg.nested.blocks import HIGH, LOW, Block, Shape
from statechart.formats.svg.nested.levels import levels
from statechart.formats.svg.nested.rooms import (
    CORNER,
    FIRST,
    PAD,
    TRACK,
    head,
    label_room,
    title_width,
)
from statechart.formats.svg.nested.sheets import Piece, Sheet
from statechart.formats.svg.nested.tracks import Step, tracks

_TIP_ROOM = 13.0
_NEAR = 9.0
_SPACED = 34.0, 18.0


def spaced(sheet: Sheet) -> None:
    """Give ports the room of the labels beside them, so that wires are straight."""
    upright = sheet.frame.upright
    most = _SPACED[upright]
    for piece in sheet.pieces:
        for block, side, layer in ((piece.low, HIGH, piece.span[0]), (piece.high, LOW, piece.span[-1])):
            if block is not None and piece.tagged == layer:
                _, before, after = label_room(piece.tie.text, upright=upright)
                block.port(piece.tie, side).room = min(before, most), min(after, most)


def _straighten(block: Block, sheet: Sheet, top: float) -> None:
    """Move ports so that wires are straight: of a leaf a little, of a turn along its member."""
    if block.shape not in (Shape.LEAF, Shape.TURN):
        return
    reach = _NEAR if block.shape is Shape.LEAF else block.across
    for side, at in ((LOW, -1), (HIGH, 0)):
        ports = [port for port in block.ports[side] if port.ends]
        wished = {
            piece.tie: piece.levels[piece.span[at]] - top
            for piece in sheet.pieces
            if (piece.high if side == LOW else piece.low) is block
        }
        near = [
            wished[port.tie] if abs(wished[port.tie] - port.offset) <= reach else port.offset
            for port in ports
        ]
        free = block.free.get(side, (CORNER, block.across - CORNER))
        for port, offset in zip(ports, levelled(near, _NEAR, *free), strict=True):
            port.offset = offset


def columns(sheet: Sheet) -> list[tuple[float, float]]:
    """Give a frame its size and all in it a place; return where each layer begins and ends, along."""
    frame = sheet.frame
    tops = levels(sheet)
    for block in sheet.rank:
        _straighten(block, sheet, tops[block])
    found: list[tuple[float, float]] = []
    steps = _steps(sheet, tops)
    title = head(frame) if frame.upright else 0.0
    at = 0.0
    last = len(sheet.layers) - 1
    for number, layer in enumerate(sheet.layers):
        wide = _breadth(layer, number, sheet)
        found.append((at, at + wide))
        at += wide
        if number == last:
            break
        numbers = tracks(steps[number])
        count = max(numbers.values(), default=-1) + 1
        least = 0.0 if _is_bare(sheet, number) else _TIP_ROOM
        gap = max(least, 2 * FIRST + (count - 1) * TRACK) if count else least
        begin = title if number == 0 else 0.0
        for piece, track in numbers.items():
            piece.bends[number] = at + begin + (gap - (count - 1) * TRACK) / 2 + track * TRACK
        at += gap + begin
    frame.along = at if frame.upright else max(at, title_width(frame) + 2 * PAD)
    for block, rank in sheet.rank.items():
        begin, end = found[2 + 2 * rank]
        low, high, _ = block.margins
        block.local = ((begin + end + low - high - block.along) / 2, tops[block])
    found[last] = (frame.along, frame.along)
    return found


def _is_bare(sheet: Sheet, number: int) -> bool:
    """Return whether nothing passes the gap after a layer next to the border."""
    border = sheet.layers[0 if number == 0 else -1]
    at_border = number in (0, len(sheet.layers) - 2)
    return at_border and not any(isinstance(item, Piece) for item in border)


def _breadth(layer: Sequence[object], number: int, sheet: Sheet) -> float:
    wide = 0.0
    for item in layer:
        if isinstance(item, Block):
            wide = max(wide, item.along + item.margins[0] + item.margins[1])
        elif isinstance(item, Piece) and item.tagged == number:
            wide = max(wide, label_room(item.tie.text, upright=sheet.frame.upright)[0])
    return wide


def _steps(sheet: Sheet, tops: Mapping[Block, float]) -> list[list[Step[Piece]]]:
    """Return the changes of level after each layer."""
    found: list[list[Step[Piece]]] = [[] for _ in sheet.layers]
    for piece in sheet.pieces:
        for layer, before, after in changes(piece, tops):
            if abs(before - after) > 0.05:
                found[layer].append(Step(piece, before, after))
    return found


def changes(piece: Piece, tops: Mapping[Block, float]) -> Iterator[tuple[int, float, float]]:
    """Yield each gap that a piece passes, with its level before and after."""
    span = piece.span
    if piece.low is not None:
        yield span[0] - 1, tops[piece.low] + piece.low.port(piece.tie, HIGH).offset, piece.levels[span[0]]
    for layer in span[:-1]:
        yield layer, piece.levels[layer], piece.levels[layer + 1]
    if piece.high is not None:
        yield span[-1], piece.levels[span[-1]], tops[piece.high] + piece.high.port(piece.tie, LOW).offset
