"""The texts of a picture, in lines that fit their places."""

from __future__ import annotations

from dataclasses import dataclass

from statechart.formats.svg.metrics import (
    BADGE_SIZE,
    BOLD,
    EVENT_SIZE,
    NAME_SIZE,
    SMALL_SIZE,
    limited,
    longest_word,
    text_width,
    wrapped,
)
from statechart.picture import Arrow, Node, Note, Picture

BADGE_HEIGHT = 13.0
BADGE_GAP = 4.0
CLOCK = 14.0
_BADGE_SIDES = 7.0
_LEADING = 1.25
_NARROW_DETAIL = 106.0  # a date and a time, or the numbers of tests
_EVENT_WIDTH, _NARROW_EVENT = 150.0, 74.0
_EVENT_LINES, _NARROW_LINES = 3, 6
_NAME_WIDTH, _NARROW_NAME, _NAME_LINES = 150.0, 88.0, 3
_LEAST_BOX, _BOX_SIDE, _BOX_TOP = 64.0, 11.5, 9.5
_STRETCH = 1.4
_EVERYWHERE = "from everywhere"
_SMALL_WIDTH, _NARROW_SMALL, _SMALL_LINES = 170.0, 96.0, 6


@dataclass(frozen=True, slots=True)
class Inscription:
    """Lines with their size, without a place."""

    lines: tuple[str, ...]
    width: float
    height: float
    order: str = ""
    detail: str = ""
    timed: bool = False


def row(size: float) -> float:
    """Return the height of a line of a size."""
    return size * _LEADING


def badge_width(order: str) -> float:
    """Return the width of a badge with the space after it; 0 without an order."""
    return (
        max(BADGE_HEIGHT, text_width(order, BADGE_SIZE, bold=True) + _BADGE_SIDES) + BADGE_GAP
        if order
        else 0.0
    )


def clock_width(timed: bool) -> float:
    """Return the width of the clock that marks a timer, with the space after it; 0 without a timer."""
    return CLOCK if timed else 0.0


def whole_label(arrow: Arrow) -> str:
    """Return the events and guards of an arrow."""
    guards = f" [{', '.join(arrow.guards)}]" if arrow.guards else ""
    return ", ".join(arrow.names) + guards


def inscription(arrow: Arrow, *, narrow: bool = False) -> Inscription:
    """Return the label of an arrow, in at most a few lines."""
    is_bold = arrow.kind != "plain"
    width = _EVENT_WIDTH
    if narrow:
        width = _with_room(whole_label(arrow), _NARROW_EVENT, EVENT_SIZE) * (BOLD if is_bold else 1.0)
    lines = limited(
        wrapped(whole_label(arrow), width, EVENT_SIZE, bold=is_bold),
        _NARROW_LINES if narrow else _EVENT_LINES,
    )
    room = _NARROW_DETAIL if narrow else width
    detail = arrow.detail and limited(wrapped(arrow.detail, room, SMALL_SIZE), 1)[0]
    return _sized(lines, arrow.order, detail, bold=is_bold, timed=arrow.timed)


def _sized(
    lines: tuple[str, ...], order: str, detail: str, *, bold: bool, timed: bool = False
) -> Inscription:
    widths = [text_width(line, EVENT_SIZE, bold=bold) for line in lines]
    widths[0] += badge_width(order) + clock_width(timed)
    widths.append(text_width(detail, SMALL_SIZE))
    height = len(lines) * row(EVENT_SIZE) + (row(SMALL_SIZE) if detail else 0.0)
    return Inscription(lines, max(widths), height, order, detail, timed)


def lead(note: Note, picture: Picture, *, narrow: bool = False) -> Inscription:
    """Return a short form of a note that stands for transitions into a state from many others."""
    sources = {arrow.source for arrow in note.arrows}
    events = ", ".join(dict.fromkeys(name for arrow in note.arrows for name in arrow.names))
    taken = {
        arrow.source
        for arrow in picture.arrows
        if arrow.target == note.state and arrow.events == note.arrows[0].events
    }
    is_all = len(sources | taken) == len(picture.nodes) - 1
    origin = _EVERYWHERE if is_all else f"from {len(sources)} others"
    width = _NARROW_SMALL if narrow else _SMALL_WIDTH
    lines = limited(wrapped(events, width, EVENT_SIZE), 2)
    return _sized((*lines, origin), "", "", bold=False)


def footnotes(picture: Picture, width: float) -> tuple[tuple[str, bool], ...]:
    """Return the notes in lines that fit a width, each with whether it belongs to a remark.

    A note is left out if the text at its state says the same.
    """
    told = (note for note in picture.notes if not _is_said(note, picture))
    notes = sorted(told, key=lambda note: not note.is_remark)
    return tuple(
        (line, note.is_remark)
        for note in notes
        for line in wrapped(
            f"{_subject(note, picture)}: {note.spelled(str)}",
            width,
            EVENT_SIZE if note.is_remark else SMALL_SIZE,
            bold=note.is_remark,
        )
    )


def _subject(note: Note, picture: Picture) -> str:
    return " + ".join(picture.node(state).name for state in (note.state, *note.beside))


def _is_said(note: Note, picture: Picture) -> bool:
    """Return whether the short form of a note says all of it."""
    if not note.arrows or any(arrow.guards for arrow in note.arrows):
        return False
    *events, origin = lead(note, picture, narrow=True).lines  # the shorter of its forms
    return origin == _EVERYWHERE and not events[-1].endswith("…")


def box_size(lines: tuple[str, ...], small: tuple[str, ...]) -> tuple[float, float]:
    """Return the width and height of a state's box."""
    # Only the current state is bold, which its margins have room for.
    widths = [text_width(line, NAME_SIZE) for line in lines]
    widths += [text_width(line, SMALL_SIZE) for line in small]
    height = len(lines) * row(NAME_SIZE) + len(small) * row(SMALL_SIZE)
    return max(_LEAST_BOX, max(widths) + 2 * _BOX_SIDE), height + 2 * _BOX_TOP


def name_lines(node: Node, *, narrow: bool = False) -> tuple[str, ...]:
    """Return the name of a state in at most a few lines."""
    width = _with_room(node.name, _NARROW_NAME, NAME_SIZE) if narrow else _NAME_WIDTH
    return limited(wrapped(node.name, width, NAME_SIZE), _NAME_LINES)


def _with_room(text: str, width: float, size: float) -> float:
    """Return a width, or a little more if that keeps a word whole."""
    wanted = longest_word(text, size)
    return wanted if width < wanted <= width * _STRETCH else width


def small_lines(texts: tuple[str, ...], *, narrow: bool = False) -> tuple[str, ...]:
    """Return texts in small type, in at most a few lines."""
    width = _NARROW_SMALL if narrow else _SMALL_WIDTH
    lines = [line for text in texts for line in limited(wrapped(text, width, SMALL_SIZE), 2)]
    return limited(lines, _SMALL_LINES)
