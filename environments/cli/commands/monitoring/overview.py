"""The overview of `top`: all environments, those that need a person first."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from environments.cli.commands.monitoring.display import sides
from environments.overview import EnvironmentRow
from environments.overview.told import told
from environments.presentation.listing import short_age, sign_of
from environments.selection import INTERRUPTED, UNDER_WAY
from statechart.following.changed import may_be_late
from statechart.overview import SORTS, Found, Index, Query
from statechart.terminal.cells import cut, width_of
from statechart.terminal.colours import styled
from statechart.terminal.table import Table, cleaned

_COLUMNS: Final = ("state", "name", "for", "release", "by", "note")
_TABLE: Final = Table(
    usual=_COLUMNS,
    flexible=("note",),
    dropped=("release", "by", "for"),
    short={"release": 7, "by": 10},
)
_SIGNS: Final = {"drifted": ("~", "yellow"), "stuck": ("!", "yellow"), "idle": ("◦", "plain")}
_HELP: Final = "↑↓ choose  Enter details  / search  Tab group  s sort  q quit"
_TYPING: Final = "type words  Enter keep  Esc clear"
_TITLE: Final = "envchart top"
_ALL: Final = 1 << 30


@dataclass(slots=True)
class Overview:
    """The part of an index that is shown: its rows in their order, and the chosen row.

    Attributes:
        index: The environments.
        place: The data directory.
        query: The search, the group and the order.
        chosen: The name of the chosen row.
        is_typing: Whether keys are the words of a search.
    """

    index: Index[EnvironmentRow]
    place: str
    query: Query = field(default_factory=lambda: Query(per_page=_ALL))
    chosen: str | None = None
    is_typing: bool = False
    _found: Found[EnvironmentRow] = field(init=False)
    _number: int = 0  # of the chosen row
    _top: int = 0  # the number of the first row that is shown
    _room: int = 10  # the rows that are shown

    def __post_init__(self) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Find the rows again, and keep the choice, or else its place."""
        self._found = self.index.find(self.query)
        names = [row.name for row in self._found.rows]
        if self.chosen in names:
            self._number = names.index(self.chosen)
        self._choose(self._number)

    def press(self, key: str) -> None:
        """Do what a key is for."""
        if self.is_typing:
            self._type(key)
        elif key == "/":
            self.is_typing = True
        elif key in ("tab", "right", "back tab", "left"):
            self._turn_group(1 if key in ("tab", "right") else -1)
        elif key == "s":
            following = SORTS[(SORTS.index(self.query.sort) + 1) % len(SORTS)]
            self._ask(replace(self.query, sort=following))
        elif key == "escape":
            self._ask(replace(self.query, q="", group=None))
        else:
            steps = {
                "up": -1, "k": -1, "down": 1, "j": 1, "page up": -self._room, "page down": self._room,
                " ": self._room, "home": -_ALL, "g": -_ALL, "end": _ALL, "G": _ALL,
            }  # fmt: skip
            self._choose(self._number + steps.get(key, 0))

    def lines(self, size: os.terminal_size, watching: str) -> list[str]:
        """Return the lines of the overview."""
        now = datetime.now(UTC)
        clock = f"{now:%H:%M:%SZ}"
        title = sides(f"{_TITLE}  {self.place}", clock, size.columns)
        head = [title.replace(_TITLE, styled(_TITLE, "bold"), 1), *self._groups(size.columns)]
        if self.is_typing or self.query.q:
            cursor = "▌" if self.is_typing else ""
            head.append(f"search: {styled(self.query.q, 'bold')}{cursor}  {self._found.total} found")
        if may_be_late(watching) and self.index.total:
            head.append(styled(cut(f"changes may be seen late, {watching}", size.columns), "yellow"))
        self._room = max(1, size.lines - len(head) - 3)  # the heading, and the line of keys
        body = self._rows(size.columns, now)
        space = [""] * max(0, size.lines - len(head) - len(body) - 1)
        return [*head, *body, *space, self._keys(size.columns)]

    def _type(self, key: str) -> None:
        match key:
            case "enter" | "down" | "up":
                self.is_typing = False
            case "escape":
                self.is_typing = False
                self._ask(replace(self.query, q=""))
            case "backspace":
                self._ask(replace(self.query, q=self.query.q[:-1]))
            case _ if len(key) == 1:
                self._ask(replace(self.query, q=self.query.q + key))

    def _turn_group(self, steps: int) -> None:
        """Show the next group that has rows, or all after the last."""
        groups = [None, *(group for group, count in self._found.counts.items() if count)]
        here = groups.index(self.query.group) if self.query.group in groups else 0
        self._ask(replace(self.query, group=groups[(here + steps) % len(groups)]))

    def _ask(self, query: Query) -> None:
        self.query, self._number, self._top, self.chosen = query, 0, 0, None
        self.refresh()

    def _choose(self, number: int) -> None:
        rows = self._found.rows
        self._number = max(0, min(number, len(rows) - 1))
        self.chosen = rows[self._number].name if rows else None

    def _groups(self, columns: int) -> list[str]:
        """Return how many environments each group has, in lines."""
        counts = self._found.counts
        parts = [("all", "plain", f"{sum(counts.values())} in all")]
        for group, count in counts.items():
            sign, colour = _SIGNS.get(group) or sign_of(group)
            if count:
                parts.append((group, colour, f"{sign} {count} {group.replace('-', ' ')}"))
        lines, width = [""], 0
        for group, colour, text in parts:
            marked = f"[{text}]" if group == (self.query.group or "all") else text
            if width and width + 2 + width_of(marked) > columns:
                lines.append("")
                width = 0
            lines[-1] += ("  " if width else "") + styled(marked, colour)
            width += (2 if width else 0) + width_of(marked)
        return [*lines, ""]

    def _rows(self, columns: int, now: datetime) -> list[str]:
        rows = self._found.rows
        if not rows:
            nothing = (
                "no environment is selected" if self.index.total else f"no environments in {self.place}"
            )
            return [nothing]
        self._top = max(
            min(self._top, self._number, len(rows) - self._room), self._number - self._room + 1, 0
        )
        shown = rows[self._top : self._top + self._room]
        cells = [[cleaned(cell) for cell in _cells(row, now)] for row in shown]
        colours = [(_SIGNS.get(row.group) or sign_of(row.kind))[1] for row in shown]
        heading, *lines = _TABLE.lines(_COLUMNS, cells, colours, styled, columns - 2)
        marks = (styled("▌", "cyan") if row.name == self.chosen else " " for row in shown)
        return [
            styled(f"  {heading}", "dim"),
            *(f"{mark} {line}" for mark, line in zip(marks, lines, strict=True)),
        ]

    def _keys(self, columns: int) -> str:
        total = self._found.total
        place = f"{self._top + 1}-{min(self._top + self._room, total)} of {total}" if total else ""
        by = "" if self.query.sort == "attention" else f"by {self.query.sort}  "
        return styled(sides(_TYPING if self.is_typing else _HELP, by + place, columns), "dim")


def _cells(row: EnvironmentRow, now: datetime) -> tuple[str, ...]:
    sign, _ = _SIGNS.get(row.group) or sign_of(row.kind)
    words = told(row)
    outputs = row.summary.outputs if row.summary is not None else None
    release = (outputs.serving or outputs.release if outputs is not None else None) or "-"
    url = (outputs.serving and outputs.url if outputs is not None else None) or ""
    age = short_age(datetime.fromtimestamp(row.since, UTC).isoformat(), now) if row.since else "-"
    # The state says it already: `destroy failed`, and of the command under way, `run under way`.
    note = words.remark.removeprefix(f"{words.condition} at ")
    if row.kind in (UNDER_WAY, INTERRUPTED):
        note = note.removeprefix(f"{words.condition.split(' ')[0]} at ")
    return (
        f"{sign} {words.condition}",
        row.name,
        age,
        release,
        row.actor or "-",
        note or url,
    )
