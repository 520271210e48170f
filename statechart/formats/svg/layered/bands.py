"""The areas of phases, where the layers have put their states together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from statechart.formats.svg.geometry import Band, Box, Label, Rectangle, Wire, bounds, bounds_of
from statechart.formats.svg.metrics import SMALL_SIZE, shortened, text_width
from statechart.formats.svg.texts import row
from statechart.picture import Picture

_ROOM = 10.0  # around the boxes of a phase
_SIDE = 2.0  # between the name and the side of its band


def named_bands(
    picture: Picture, boxes: Sequence[Box], wires: Sequence[Wire], labels: Sequence[Label]
) -> Iterator[tuple[Band, Label]]:
    """Yield the band of each phase with its name, unless states of others or other bands are between.

    A name is in the first corner that is free.
    """
    drawn: list[Rectangle] = []
    texts = [*(label.rectangle for label in labels), *(hull for wire in wires for hull in _hulls(wire))]
    for name, members in picture.boxes.items():
        inside = [box.rectangle for box in boxes if box.state in members]
        others = [*drawn, *(box.rectangle for box in boxes if box.state not in members)]
        for band, text in _corners(name, inside):
            is_apart = not any(_meet(band.rectangle, other) for other in others)
            if is_apart and not any(_meet(text.rectangle, other) for other in texts):
                drawn.append(band.rectangle)
                yield band, text
                break


def _corners(name: str, inside: Sequence[Rectangle]) -> Iterator[tuple[Band, Label]]:
    """Yield the band around boxes with its name in each corner: below, above, and then shortened."""
    if not inside:
        return
    left, top, right, bottom = bounds(inside)
    short = shortened(name, right - left, SMALL_SIZE)
    for text in (name, short) if short != name else (name,):
        yield from _around(name, text, (left, top, right, bottom))


def _around(name: str, text: str, inside: Rectangle) -> Iterator[tuple[Band, Label]]:
    left, top, right, bottom = inside
    width, height = text_width(text, SMALL_SIZE), row(SMALL_SIZE)
    left, right = left - _ROOM, max(right, left + width) + _ROOM
    room = height + _ROOM
    for is_below in (True, False):
        band = Band(
            name,
            left,
            top - (_ROOM if is_below else room),
            right - left,
            bottom - top + _ROOM + room,
        )
        y = bottom + room - height - _SIDE if is_below else band.y + _SIDE
        for x in (left + _ROOM, right - _ROOM - width):
            yield band, Label(x, y, width, height, (text,), anchor="start", kind="phase")


def _hulls(wire: Wire) -> Iterator[Rectangle]:
    """Yield rectangles that hold a wire: one for each curve or line."""
    step = 3 if wire.curved else 1
    for start in range(0, len(wire.points) - 1, step):
        yield bounds_of(wire.points[start : start + step + 1])


def _meet(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
