"""The room of texts and signs in the nested layout."""

from __future__ import annotations

from statechart.formats.svg.metrics import NAME_SIZE, SMALL_SIZE, text_width
from statechart.formats.svg.nested.blocks import Block
from statechart.formats.svg.texts import Inscription, row

BESIDE = 5.0
"""The room beside a wire."""

EDGE = 16.0
"""How far the first tie around a corner of a block is from the corner."""

FIRST, TRACK = 11.0, 9.0
"""The room before the first track, and between tracks."""

LOOP, TURN = 13.0, 9.0
"""How far a tie that comes back is from its block, and from the next such tie."""

CORNER = 9.0
"""The room of a port to the corner of its block, at least."""

PAD = 12.0
"""The room between a frame and what is in it."""

_TITLE = 25.0


def label_room(text: Inscription, *, upright: bool) -> tuple[float, float, float]:
    """Return the room of a label: along, and across before and behind its wire."""
    if not text.lines:
        return 0.0, BESIDE, BESIDE
    if upright:
        return text.height + 6.0, BESIDE, text.width + 11.0
    return text.width + 12.0, text.height + 6.0, BESIDE


def title_width(block: Block) -> float:
    """Return the width of a block's title."""
    widths = [text_width(line, NAME_SIZE, bold=True) for line in block.lines]
    return max([*widths, *(text_width(line, SMALL_SIZE) for line in block.small)], default=0.0)


def head(block: Block) -> float:
    """Return the height of a title with the lines below it; 0 without one."""
    return _TITLE + len(block.small) * row(SMALL_SIZE) if block.lines else 0.0
