"""A line of stations: the main path in a row."""

from __future__ import annotations

from statechart.formats.svg.geometry import Box, Label, Plan, Wire, crossings
from statechart.formats.svg.metrics import NAME_SIZE, SMALL_SIZE, text_width
from statechart.formats.svg.texts import inscription, name_lines, row, small_lines
from statechart.picture import Picture

_MARGIN, _GAP, _TRACK = 12.0, 40.0, 24.0


def plan(picture: Picture, *, upright: bool = False) -> Plan:  # noqa: ARG001 - rows come first
    """Return where the states and transitions of a picture are."""
    top = _MARGIN + _TRACK * (len(picture.arrows) + 1)
    boxes, x = [], _MARGIN
    for node in picture.nodes:
        lines, small = name_lines(node), small_lines(node.actions)
        widths = [
            *(text_width(t, NAME_SIZE, bold=True) for t in lines),
            *(text_width(t, SMALL_SIZE) for t in small),
        ]
        width, height = max(widths) + 24, 16 + len(lines) * row(NAME_SIZE) + len(small) * row(SMALL_SIZE)
        boxes.append(Box(node.id, x, top, width, height, lines, small))
        x += width + _GAP
    by_state = {box.state: box for box in boxes}
    wires, labels = [], []
    for index, arrow in enumerate(picture.arrows):
        one, two = by_state[arrow.source], by_state[arrow.target]
        y = _MARGIN + _TRACK * (index + 1)
        start, end = one.x + one.width / 2 + 8, two.x + two.width / 2 - 8
        wires.append(Wire(index, ((start, one.y), (start, y), (end, y), (end, two.y))))
        text = inscription(arrow)
        labels.append(
            Label(
                (start + end - text.width) / 2,
                y - text.height - 2,
                text.width,
                text.height,
                text.lines,
                index,
                text.order,
                text.detail,
            )
        )
    return Plan(tuple(boxes), tuple(wires), tuple(labels), x, top + 60, crossings(wires))
