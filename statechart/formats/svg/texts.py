"""The texts of a picture, in lines that fit their places."""

from __future__ import annotations

from dataclasses import dataclass

from statechart.formats.svg.metrics import EVENT_SIZE, NAME_SIZE, SMALL_SIZE, limited, text_width, wrapped
from statechart.picture import Arrow, Node

BADGE_HEIGHT = 13.0
_BADGE_SIZE = 9.5
_LEADING = 1.25
_EVENT_WIDTH, _EVENT_LINES = 150.0, 3
_NAME_WIDTH, _NAME_LINES = 150.0, 3
_SMALL_WIDTH, _SMALL_LINES = 170.0, 6


@dataclass(frozen=True, slots=True)
class Inscription:
    """Lines with their size, without a place."""

    lines: tuple[str, ...]
    width: float
    height: float
    order: str = ""
    detail: str = ""


def row(size: float) -> float:
    """Return the height of a line of a size."""
    return size * _LEADING


def badge_width(order: str) -> float:
    """Return the width of a badge with the space after it; 0 without an order."""
    return max(BADGE_HEIGHT, text_width(order, _BADGE_SIZE) + 8.0) + 4.0 if order else 0.0


def whole_label(arrow: Arrow) -> str:
    """Return the events and guards of an arrow."""
    guards = f" [{', '.join(arrow.guards)}]" if arrow.guards else ""
    return ", ".join(arrow.names) + guards


def inscription(arrow: Arrow) -> Inscription:
    """Return the label of an arrow, in at most a few lines."""
    lines = limited(wrapped(whole_label(arrow), _EVENT_WIDTH, EVENT_SIZE), _EVENT_LINES)
    is_bold = arrow.taken or arrow.mark != ""
    widths = [text_width(line, EVENT_SIZE, bold=is_bold) for line in lines]
    widths[0] += badge_width(arrow.order)
    detail = "".join(limited(wrapped(arrow.detail, _EVENT_WIDTH, SMALL_SIZE), 1))
    height = len(lines) * row(EVENT_SIZE) + (row(SMALL_SIZE) if detail else 0.0)
    return Inscription(
        lines,
        max(*widths, text_width(detail, SMALL_SIZE, bold=is_bold)),
        height,
        arrow.order,
        detail,
    )


def name_lines(node: Node) -> tuple[str, ...]:
    """Return the name of a state in at most a few lines."""
    return limited(wrapped(node.name, _NAME_WIDTH, NAME_SIZE, bold=True), _NAME_LINES)


def small_lines(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return texts in small type, in at most a few lines."""
    lines = [line for text in texts for line in limited(wrapped(text, _SMALL_WIDTH, SMALL_SIZE), 2)]
    return limited(lines, _SMALL_LINES)
