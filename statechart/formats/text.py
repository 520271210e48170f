"""Text: a picture for a terminal, drawn in boxes, with the other transitions in a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from statechart.formats.columns import USUAL, hanging, padded, text_width
from statechart.formats.main_path import main_path
from statechart.formats.tree import SIGNS, tree
from statechart.picture import Arrow, Node, Picture

_THIN, _DOUBLE = ("┌", "─", "┐", "│", "└", "┘"), ("╔", "═", "╗", "║", "╚", "╝")
_ASCII = str.maketrans("┌─┐│└┘╔═╗║╚╝┬┴▶▼▲●✗✓→▷┊", "+-+|++#=#H##++>v^*x+>~:")
_START, _ON = "●──▶", "──▶"
_DOWN = 3  # the column of the line to the state beneath


def text(picture: Picture, width: int = USUAL, *, ascii: bool = False) -> str:
    """Return a picture in lines of at most `width` columns, unless a name is longer.

    The main path is drawn as boxes from left to right, with failures beneath. Lists hold the other
    transitions and the notes. The current state has a double frame and the sign ▶, or ✗ for a failure.
    States that were visited have the sign ✓. States within states are drawn as a tree instead, where the
    sign ▷ is before the states around the current ones.

    Args:
        picture: The picture.
        width: The columns of the terminal.
        ascii: Draw with ASCII characters only.
    """
    blocks = _nested(picture, width) if picture.is_nested else _flat(picture, width)
    lines = [line.rstrip() for block in blocks if block for line in (*block, "")]
    drawing = "\n".join(lines)
    return drawing.translate(_ASCII) if ascii else drawing


def _nested(picture: Picture, width: int) -> Iterator[list[str]]:
    yield _head(picture, width)
    yield tree(picture, width)
    yield _notes(picture, width)


def _flat(picture: Picture, width: int) -> Iterator[list[str]]:
    spine = main_path(picture)
    beneath = _beneath(picture, spine)
    ends = zip([None, *spine], spine, strict=False)
    cells = [_Cell.of(picture, before, state, beneath.get(state), width) for before, state in ends]
    drawn = {*spine, *beneath.values()}
    yield _head(picture, width)
    yield from _rows(cells, width)
    yield from _apart([node for node in picture.nodes if node.id not in drawn], picture, width)
    yield _others(picture, {arrow for cell in cells for arrow in cell.arrows}, width)
    yield _notes(picture, width)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A state of the main path, with the transitions that lead there, and the state beneath."""

    box: tuple[str, ...]
    below: tuple[str, ...]
    way: tuple[Arrow, ...]
    down: tuple[Arrow, ...]
    up: tuple[Arrow, ...]
    first: bool

    @classmethod
    def of(cls, picture: Picture, before: str | None, state: str, beneath: str | None, width: int) -> _Cell:
        """Return the cell of a state, without the labels for which the width is too small."""
        nodes = {node.id: node for node in picture.nodes}
        way, down = _between(picture, before, state), _between(picture, state, beneath)
        up = _between(picture, beneath, state)
        # Left out here, a transition is in the list.
        if _up(down) + 2 + text_width(_labels(up)) > width - text_width(_START):
            down = up = ()
        # Wide enough for the line that leads back, to the right of the label of the line down.
        least = _up(down) + 3 if up else _DOWN + 2
        box = _box(nodes[state], picture, least)
        if text_width(_labels(way)) + 2 + text_width(box[0]) + text_width(_ON) > width:
            way = ()
        below = _box(nodes[beneath], picture, least) if beneath is not None else ()
        return cls(box, below, way, down, up, first=before is None)

    @property
    def width(self) -> int:
        """The columns of the cell."""
        return text_width(self.lines()[1])

    @property
    def arrows(self) -> tuple[Arrow, ...]:
        """The transitions that the cell shows."""
        return (*self.way, *self.down, *self.up)

    def lines(self, *, joined: bool = False, on: str = "") -> list[str]:
        """Return seven lines of the same width, `joined` with the next cell, or with an arrow `on`."""
        top, middle, bottom = self.box
        link, below = "", list(self.below or ("", "", ""))
        if self.below:
            bottom, below[0] = _at(bottom, _DOWN, "┬"), _at(below[0], _DOWN, "▼")
            link = f"{' ' * _DOWN}│ {_labels(self.down)}"
        if self.up:
            up = _up(self.down)
            bottom, below[0] = _at(bottom, up, "▲"), _at(below[0], up, "┴")
            link += f"  │ {_labels(self.up)}"
        body = [top, middle + on, bottom, link, *below]
        wide = max(map(text_width, body))
        fill = [" ", "─" if joined else " ", *" " * 5]
        filled = [padded(line, wide, char) for line, char in zip(body, fill, strict=True)]
        return [before + line for before, line in zip(self._lead(), filled, strict=True)]

    def _lead(self) -> list[str]:
        """Return the arrow that leads to the cell, with its label, beside each of the seven lines."""
        label = f" {_labels(self.way)} " if self.way else ""
        arrow = _START if self.first else padded("", max(text_width(label), len(_ON)) - 1, "─") + "▶"
        wide = text_width(arrow)
        return [padded(label, wide), arrow, *[" " * wide] * 5]


def _beneath(picture: Picture, spine: Sequence[str]) -> dict[str, str]:
    """Return the states beside the main path that are drawn beneath one of its states."""
    phase = {member: name for name, members in picture.boxes.items() for member in members}
    beneath: dict[str, str] = {}
    for node in picture.nodes:
        leading = {arrow.source for arrow in picture.arrows if arrow.target == node.id}
        free = [state for state in spine if state in leading and state not in beneath]
        near = [state for state in free if node.id in phase and phase.get(state) == phase[node.id]]
        if node.id not in spine and free:
            beneath[(near or free)[-1]] = node.id
    return beneath


def _rows(cells: Sequence[_Cell], width: int) -> Iterator[list[str]]:
    """Yield the main path in rows that fit the width."""
    row: list[_Cell] = []
    for cell in cells:
        room = width - (0 if cell is cells[-1] else text_width(_ON))
        if row and sum(each.width for each in (*row, cell)) > room:
            yield _row(row, _ON)
            row = []
        row.append(cell)
    yield _row(row, "")


def _row(cells: Sequence[_Cell], on: str) -> list[str]:
    drawn = [*(cell.lines(joined=True) for cell in cells[:-1]), cells[-1].lines(on=on)]
    lines = ["".join(parts) for parts in zip(*drawn, strict=True)]
    while not lines[-1].strip():
        del lines[-1]
    return lines


def _apart(nodes: Sequence[Node], picture: Picture, width: int) -> Iterator[list[str]]:
    """Yield rows of the states that only lists and notes connect with the others."""
    row: list[tuple[str, ...]] = []
    for node in nodes:
        box = _box(node, picture)
        if row and sum(text_width(each[0]) + 1 for each in (*row, box)) > width:
            yield [" ".join(parts) for parts in zip(*row, strict=True)]
            row = []
        row.append(box)
    yield [" ".join(parts) for parts in zip(*row, strict=True)]


def _head(picture: Picture, width: int) -> list[str]:
    current = [node for node in picture.nodes if picture.classes.get(node.id) in ("current", "failed")]
    remarks = [note.spelled(str) for note in picture.notes if note.is_remark]
    if not current:
        return [picture.name]
    active = " + ".join(_signed(node, picture) for node in current)
    return [picture.name, *hanging("Now: ", ": ".join([active, *remarks]).split(" "), width)]


def _others(picture: Picture, shown: set[Arrow], width: int) -> list[str]:
    """Return the transitions that are not drawn, in a list by source."""
    names = {node.id: node.name for node in picture.nodes}
    ways: dict[str, list[str]] = {}
    for arrow in picture.arrows:
        if arrow not in shown:
            way = f"{_labels([arrow])} → {names[arrow.target]}" if arrow.targets else arrow.within(str)
            ways.setdefault(names[arrow.source], []).append(way)
    wide = max(map(text_width, ways), default=0)
    lines = [
        line
        for source, listed in ways.items()
        for line in hanging(f"  {padded(source, wide)}  ", _comma(listed), width)
    ]
    return ["Other transitions", *lines] if lines else []


def _notes(picture: Picture, width: int) -> list[str]:
    names = {node.id: node.name for node in picture.nodes}
    lines = [
        line
        for note in picture.notes
        if not note.is_remark
        for line in hanging("  ", f"{names[note.state]}: {note.spelled(str)}".split(), width, indent=4)
    ]
    return ["Notes", *lines] if lines else []


def _between(picture: Picture, source: str | None, target: str | None) -> tuple[Arrow, ...]:
    return tuple(arrow for arrow in picture.arrows if (arrow.source, arrow.target) == (source, target))


def _labels(arrows: Sequence[Arrow]) -> str:
    guards = [f" [{', '.join(arrow.guards)}]" if arrow.guards else "" for arrow in arrows]
    return " | ".join(arrow.spelled(str) + guard for arrow, guard in zip(arrows, guards, strict=True))


def _up(down: Sequence[Arrow]) -> int:
    """Return the column of the line back, to the right of the label of the line down."""
    return _DOWN + 2 + text_width(_labels(down)) + 2


def _signed(node: Node, picture: Picture) -> str:
    return SIGNS.get(picture.classes.get(node.id, ""), "") + node.name


def _box(node: Node, picture: Picture, least: int = 0) -> tuple[str, ...]:
    """Return the three lines of a box with the name of a state."""
    current = picture.classes.get(node.id) in ("current", "failed")
    left, line, right, side, below, end = _DOUBLE if current else _THIN
    name = padded(_signed(node, picture), least - 4)
    across = line * (text_width(name) + 2)
    return left + across + right, f"{side} {name} {side}", below + across + end


def _at(line: str, column: int, mark: str) -> str:
    """Return a frame's line with a mark in a column."""
    return line[:column] + mark + line[column + 1 :]


def _comma(items: Sequence[str]) -> list[str]:
    return [*(f"{item}," for item in items[:-1]), *items[-1:]]
