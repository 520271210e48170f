"""Table: names with their state in lines that fit a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statechart.terminal.cells import cut, padded, width_of
from statechart.terminal.control_codes import strip_control_codes

if TYPE_CHECKING:
    from statechart.terminal.text import Style

_GAP = 2
_LEAST_LAST = 20
_USUAL_NAME = 24  # where space is short, a longer name moves the rest of its own line only


def cleaned(text: str) -> str:
    """Return a text in a line, without control codes."""
    return strip_control_codes(text).replace("\n", " ")


@dataclass(frozen=True, slots=True)
class Table:
    """The shape of a table. The columns `name` and `state` are kept the longest.

    Attributes:
        usual: The columns that are printed if none are chosen; the last is flexible.
        flexible: The columns of long texts, which may be cut.
        dropped: The usual columns that are left out first where they leave too little for the last.
        short: The characters to which a column is cut if the lines don't fit.
    """

    usual: tuple[str, ...] = ()
    flexible: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    short: Mapping[str, int] = field(default_factory=dict)

    def lines(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        colours: Sequence[str],
        style: Style,
        width: int | None,
    ) -> list[str]:
        """Return a heading and a line for each row, the state in its colour."""
        headed = [[name.upper() for name in columns], *map(list, rows)]
        names, fitted, widths = self._fitted(list(columns), headed, width)
        return [
            self._line(row, widths, names, colour, style, width)
            for row, colour in zip(fitted, ["plain", *colours], strict=True)
        ]

    def _line(
        self,
        row: Sequence[str],
        widths: Sequence[int],
        names: Sequence[str],
        colour: str,
        style: Style,
        limit: int | None,
    ) -> str:
        """Return a line; a name that is wider than its column moves the cells after it."""
        cells = [padded(cell, width) for cell, width in zip(row, widths, strict=True)]
        if limit is not None:
            cells = self._within(limit, cells, names)
        cells[-1] = cells[-1].rstrip()
        if colour != "plain" and "state" in names[: len(cells)]:
            place = names.index("state")
            cells[place] = style(cells[place], colour)
        return (" " * _GAP).join(cells).rstrip()

    def _within(self, limit: int, cells: list[str], names: Sequence[str]) -> list[str]:
        """Return the cells of a line that fit; of all things, the name has to."""

        def room() -> int:
            return limit - _total([width_of(cell) for cell in cells])

        if names[-1] in self.flexible:
            last = cells[-1].rstrip()
            cells[-1] = cut(last, room() + width_of(cells[-1]))
        while room() < 0 and names[len(cells) - 1] not in ("state", "name"):
            cells.pop()
        if room() < 0 and "state" in names[: len(cells)]:
            cells[names.index("state")] = cells[names.index("state")][:1]
        return cells

    def _fitted(
        self, names: list[str], rows: list[list[str]], limit: int | None
    ) -> tuple[list[str], list[list[str]], list[int]]:
        """Return the columns that fit, with what is long in them shortened, and their widths."""
        widths = _widths(names, rows)
        if limit is None or _total(widths) <= limit:
            return names, rows, widths
        for name in self.short.keys() & names:
            place = names.index(name)
            rows = [[*row[:place], row[place][: self.short[name]], *row[place + 1 :]] for row in rows]
        if "name" in names:
            widths = _widths(names, rows, _USUAL_NAME)
        if tuple(names) == self.usual:
            least = min(_LEAST_LAST, widths[-1])
            for dropped in self.dropped:
                if _total(widths) - widths[-1] + least > limit:
                    names, rows = _without(names, rows, names.index(dropped))
                    widths = _widths(names, rows, _USUAL_NAME)
        rows = self._cut(names, rows, widths, limit)
        widths = _widths(names, rows, _USUAL_NAME)
        while len(names) > 1 and _total(widths) > limit:
            others = [place for place, name in enumerate(names) if name not in ("state", "name")]
            if not others:  # not even names and states fit: the sign of the state has to do
                place = names.index("state")
                rows = [[*row[:place], row[place][:1], *row[place + 1 :]] for row in rows]
                return names, rows, _widths(names, rows, _USUAL_NAME)
            names, rows = _without(names, rows, others[-1])
            widths = _widths(names, rows, _USUAL_NAME)
        return names, rows, widths

    def _cut(
        self, names: Sequence[str], rows: list[list[str]], widths: Sequence[int], limit: int
    ) -> list[list[str]]:
        """Cut the columns of long texts so that lines fit, the widest the most."""
        flexible = sorted(
            (place for place, name in enumerate(names) if name in self.flexible), key=widths.__getitem__
        )
        room = limit - _GAP * (len(names) - 1)
        room -= sum(each for place, each in enumerate(widths) if place not in flexible)
        for number, place in enumerate(flexible):
            share = max(0, room // (len(flexible) - number))
            rows = [[*row[:place], cut(row[place], share), *row[place + 1 :]] for row in rows]
            room -= min(widths[place], share)
        return rows


def _widths(names: Sequence[str], rows: Sequence[Sequence[str]], longest: int | None = None) -> list[int]:
    widths = [max(map(width_of, column)) for column in zip(*rows, strict=True)]
    if longest is not None and "name" in names:
        place = names.index("name")
        widths[place] = max(width for row in rows if (width := width_of(row[place])) <= longest)
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _without(
    names: Sequence[str], rows: Sequence[Sequence[str]], place: int
) -> tuple[list[str], list[list[str]]]:
    kept, *others = [[*row[:place], *row[place + 1 :]] for row in (names, *rows)]
    return kept, others
