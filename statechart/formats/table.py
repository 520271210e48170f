"""Tables: the transitions of a chart in Markdown or reStructuredText."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from statechart.formats import escapes
from statechart.formats.columns import text_width
from statechart.picture import Escape, Marks, Node, Picture, printable

_HEAD = ("State", "Event", "Guard", "Target")
_NESTED_HEAD = ("State", "Kind", "Event", "Guard", "Target")


def table(picture: Picture, marks: Marks, format: Literal["md", "rst"]) -> str:
    """Return the transitions as a table, below a line about the marked state."""
    escape = escapes.markdown if format == "md" else escapes.restructuredtext
    rows = (
        [_NESTED_HEAD, *_nested_rows(picture, escape)]
        if picture.is_nested
        else [_HEAD, *_rows(picture, escape)]
    )
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
        target = names[arrow.target] if arrow.targets else "(stays)"
        yield names[arrow.source], arrow.spelled(escape), guards, target


def _nested_rows(picture: Picture, escape: Escape) -> Iterable[Sequence[str]]:
    """Yield a row for each transition, and for each state without any, by states in document order."""
    names = {node.id: escape(node.name) for node in picture.nodes}
    paths = {
        node.id: " / ".join(names[state] for state in (*reversed(picture.around(node.id)), node.id))
        for node in picture.nodes
    }
    for node in picture.nodes:
        leaving = [arrow for arrow in picture.whole if arrow.source == node.id]
        kind = _kind(node, picture)
        for arrow in leaving:
            guards = ", ".join(map(escape, arrow.guards))
            inside = " (internal)" if arrow.reach == "internal" else ""
            target = ", ".join(paths[target] for target in arrow.targets) + inside
            yield paths[node.id], kind, arrow.spelled(escape), guards, target or "(stays)"
        if not leaving:
            yield paths[node.id], kind, "", "", ""


def _kind(node: Node, picture: Picture) -> str:
    words = ["initial"] if node.initial else []
    words.append(f"{node.kind} history" if node.is_history else node.kind)
    if node.parent and not node.is_history and picture.node(node.parent).kind == "parallel":
        words.append("region")
    return " ".join(words)


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
