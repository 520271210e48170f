"""Tables: the transitions of a chart in Markdown or reStructuredText."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from statechart.formats import escapes
from statechart.formats.columns import text_width
from statechart.picture import Escape, Marks, Picture, printable

_HEAD = ("State", "Event", "Guard", "Target")


def table(picture: Picture, marks: Marks, format: Literal["md", "rst"]) -> str:
    """Return the transitions as a table, below a line about the marked state."""
    escape = escapes.markdown if format == "md" else escapes.restructuredtext
    rows = [_HEAD, *_rows(picture, escape)]
    drawn = _markdown(rows) if format == "md" else _restructuredtext(rows)
    if marks.current is None:
        return drawn
    remark = f": {escape(printable(marks.remark))}" if marks.remark else "."
    state = escape(printable(marks.current))
    return f"Now in state **{state}**{' (failed)' if marks.failed else ''}{remark}\n\n{drawn}"


def _rows(picture: Picture, escape: Escape) -> Iterable[Sequence[str]]:
    names = {node.id: escape(node.name) for node in picture.nodes}
    for arrow in picture.whole:
        guards = ", ".join(map(escape, arrow.guards))
        yield names[arrow.source], arrow.spelled(escape), guards, names[arrow.target]


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *rest = _aligned(rows, len)
    rule = [("-" * len(cell)) for cell in head]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *rest))


# Written here because python-statemachine's renderer counts a wide character as one column.
def _restructuredtext(rows: Sequence[Sequence[str]]) -> str:
    head, *rest = _aligned(rows, text_width)
    rule, double = (f"+{'+'.join(mark * (text_width(cell) + 2) for cell in head)}+\n" for mark in "-=")
    lines = [f"| {' | '.join(row)} |\n" for row in (head, *rest)]
    return rule + lines[0] + double + "".join(line + rule for line in lines[1:])


def _aligned(rows: Sequence[Sequence[str]], width: Callable[[str], int]) -> list[list[str]]:
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return [
        [cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)] for row in rows
    ]
