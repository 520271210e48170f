"""Watching: a list that follows the changes of the environments."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import click

from environments.cli import loading
from environments.cli.commands.listing.gathering import Gathered, why
from environments.cli.commands.listing.rendering import Wanted, check, counted, rendered
from environments.cli.settings import Settings
from environments.cli.signals import Ended, Interruption
from environments.model.summary import UnreadableSummary
from environments.overview import EnvironmentRow, EnvironmentSource
from environments.presentation.listing import ordered
from statechart.following.cancellation import in_thread
from statechart.following.changed import may_be_late
from statechart.following.watching import EVERY
from statechart.overview import Index
from statechart.terminal.cells import wrapped
from statechart.terminal.colours import coloured, styled
from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.output import note, write
from statechart.terminal.streams import size_of

_END_OF_LINE, _END_OF_SCREEN, _CLEARED = "\x1b[K", "\x1b[J", "\x1b[2J\x1b[H"
_SHARE: Final = 4  # how much longer than drawing takes to wait with drawing again
# What makes a line worth to be printed again: not its age, which changes all the time.
_TOLD = ("class", "state", "release", "serving", "url", "note", "drift", "labels", "expires_at")


class _View(Protocol):
    def show(self, selected: _Selected, wanted: Wanted) -> None: ...


def watch(settings: Settings, wanted: Wanted) -> None:
    """Print the list, and keep it up to date: in place on a terminal, else line by line.

    Raises:
        NothingMatches: A pattern matches no name.
        UnknownLabel: No environment has a label of a condition.
        click.exceptions.Exit: A signal ended the command, which is its usual end.
    """
    can_draw = size_of(sys.stdout) is not None and os.environ.get("TERM", "dumb") != "dumb"
    view = _Drawing(settings) if can_draw else _Lines(settings)
    try:
        Interruption(lambda _text: None, last=False).run(_follow(settings, wanted, view))
    except Ended as ended:
        code = ended.exit_code
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    else:
        return
    if can_draw and code == 128 + signal.SIGINT:
        write("\n")  # the terminal shows ^C, and the prompt belongs on a line of its own
    raise click.exceptions.Exit(code)


async def _follow(settings: Settings, wanted: Wanted, view: _View) -> None:
    selected = _Selected(settings, wanted)
    async with aclosing(selected.source.changes(every=EVERY)) as changes:
        async for names in changes:
            await selected.update(names)
            begun = time.monotonic()
            view.show(selected, wanted)
            # Of thousands, many may change at once, and drawing takes its time.
            await asyncio.sleep(min(EVERY, _SHARE * (time.monotonic() - begun)))


class _Selected:
    """The selected environments, of an index that is kept up to date.

    Attributes:
        source: Where the environments are read from.
        found: The selected environments.
        urgent: The names of the selected environments, those that need a person first.
    """

    def __init__(self, settings: Settings, wanted: Wanted) -> None:
        self.source = EnvironmentSource(loading.workspace(settings), settings.spell)
        self.found = Gathered()
        self.urgent: Sequence[str] = ()
        self._settings = settings
        self._wanted = wanted
        self._index = Index(self.source)
        self._is_read = False
        self._documents: dict[str, tuple[EnvironmentRow, Mapping[str, Any]]] = {}  # Any: JSON

    async def update(self, names: frozenset[str]) -> None:
        """Read the environments that have changed; at first, all.

        Raises:
            NothingMatches: A pattern matches no name.
            UnknownLabel: No environment has a label of a condition.
        """
        if not self._is_read:
            await in_thread(self._index.read)
            self._select()
            check(self.found, self._wanted)  # later, environments may come and go
            self._is_read = True
        elif names or self._wanted.selection.expired:
            rows = await in_thread(lambda: self._index.refresh(names))
            for name in (name for name, row in rows.items() if row is None):
                self._documents.pop(name, None)
            self._select()

    @property
    def remark(self) -> str | None:
        """The reason why changes are seen late, if the system does not tell them."""
        if not may_be_late(self.source.watching) or not self.found.total:
            return None
        return f"changes may be seen late, {self.source.watching}"

    def _select(self) -> None:
        found, now, urgent = Gathered(), datetime.now(UTC), []
        selection = self._wanted.selection
        for row in self._index.rows:
            found.names.append(row.name)
            found.labels.update(row.labels)
            if row.summary is None:
                if selection.matches_name(row.name) and row.error is not None:
                    unreadable = UnreadableSummary(row.name, row.error)
                    found.unreadable.append((row.name, why(self._settings, unreadable)))
                    urgent.append(row.name)
            elif selection.picks(row.summary, now, held=row.held):
                found.documents.append(self._document(row))
                urgent.append(row.name)
        found.names.sort()
        found.unreadable.sort(key=lambda each: each[0])
        found.documents.sort(key=lambda each: each["name"])
        self.found, self.urgent = found, urgent

    def _document(self, row: EnvironmentRow) -> Mapping[str, Any]:  # Any: JSON
        known = self._documents.get(row.name)
        if known is None or known[0] is not row:
            document = row.document(self._settings.spell)
            if row.stuck is not None:
                document["note"] = row.stuck
            known = self._documents[row.name] = row, document
        return known[1]


def _nothing(settings: Settings) -> str:
    return f"no environments in {settings.where}"


def _fitting(found: Gathered, wanted: Wanted, urgent: Sequence[str], room: int, columns: int) -> list[str]:
    """Return the lines of a list, or those that fit: first those that need a person, unless sorted."""
    count = len(found.documents) + len(found.unreadable)
    if not count:
        return []
    is_sorted = wanted.sort != "name"
    if wanted.group_by is not None or count < room:
        lines = rendered(found, wanted, columns)
        if len(lines) > room and not is_sorted:
            lines = rendered(found, wanted._replace(sort="state"), columns)
        return (
            lines if len(lines) <= room else [*lines[: room - 1], f"… {len(lines) - room + 1} more lines"]
        )
    # Only as many lines as fit are made, of however many thousands.
    part, fit = Gathered(), max(0, room - 2)
    if is_sorted:
        part.documents = ordered(found.documents, wanted.sort)[:fit]
    else:
        by_name = {each["name"]: each for each in found.documents}
        part.documents = [by_name[name] for name in urgent[:fit] if name in by_name]
        part.unreadable = [each for each in found.unreadable if each[0] in urgent[:fit]]
    lines = rendered(part, wanted, columns, in_order=True)[: room - 1]
    return [*lines, f"… {count + 1 - len(lines)} more lines"]


@dataclass(slots=True)
class _Drawing:
    """The list on a terminal, drawn over what was drawn before."""

    settings: Settings
    drawn: list[str] = field(default_factory=list)
    size: os.terminal_size | None = None

    def show(self, selected: _Selected, wanted: Wanted) -> None:
        """Draw the list if it has changed, at most as many lines as the terminal has."""
        found, size = selected.found, size_of(sys.stdout) or os.terminal_size((80, 24))
        last = counted(found, size.columns) if found.total else [_nothing(self.settings)]
        if selected.remark is not None:
            last += [styled(line, "dim") for line in wrapped(selected.remark, size.columns)]
        room = max(1, size.lines - len(last) - 1)  # the cursor is on the line below
        lines = _fitting(found, wanted, selected.urgent, room, size.columns)
        lines += last
        if lines == self.drawn and size == self.size:
            return
        # After a change of the size, the place of what was drawn is not known.
        back = (
            _CLEARED
            if size != self.size and self.drawn
            else f"\x1b[{len(self.drawn)}A"
            if self.drawn
            else ""
        )
        clean = (coloured(strip_control_codes(line)) for line in lines)
        write(back + "".join(f"{line}{_END_OF_LINE}\n" for line in clean) + _END_OF_SCREEN)
        self.drawn, self.size = lines, size


@dataclass(slots=True)
class _Lines:
    """The list in a pipe or on a terminal that only prints: each line again when it has changed."""

    settings: Settings
    told: dict[str, object] | None = None
    is_headed: bool = False
    remark: str | None = None

    def show(self, selected: _Selected, wanted: Wanted) -> None:
        """Print the lines that have changed."""
        found = selected.found
        documents = ordered(found.documents, wanted.sort)
        now: dict[str, object] = {each["name"]: [each[key] for key in _TOLD] for each in documents}
        now |= {name: report.message for name, report in found.unreadable}
        if now != self.told:
            self._tell(found, wanted, now)
            self.told = now
        if selected.remark is not None and selected.remark != self.remark:
            note(selected.remark)
        self.remark = selected.remark

    def _tell(self, found: Gathered, wanted: Wanted, now: dict[str, object]) -> None:
        size = size_of(sys.stdout)
        heading, *lines = rendered(found, wanted._replace(group_by=None), size.columns if size else None)
        changed = [
            line for line, name in zip(lines, now, strict=True) if now[name] != (self.told or {}).get(name)
        ]
        changed += self._gone(found, now)
        if self.told is None:
            note("\n".join(counted(found, None)) if found.total else _nothing(self.settings))
        if found.total and not self.is_headed:
            changed = [heading, *changed]
            self.is_headed = True
        if changed:
            write("".join(f"{coloured(strip_control_codes(line))}\n" for line in changed))

    def _gone(self, found: Gathered, now: dict[str, object]) -> Iterator[str]:
        for name in (self.told or {}).keys() - now.keys():
            yield f"- {'not selected any more' if name in found.names else 'purged'}: {name}"
