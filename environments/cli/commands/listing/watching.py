"""Watching: a list that follows the changes of the environments."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import click

from environments.cli.commands.listing.gathering import Gathered, gather
from environments.cli.commands.listing.rendering import Wanted, check, counted, rendered
from environments.cli.settings import Settings
from environments.cli.signals import Ended, Interruption
from environments.presentation.listing import ordered
from environments.selection import INTERRUPTED, UNDER_WAY
from statechart.following.names import NameChanges
from statechart.following.watching import EVERY
from statechart.terminal.colours import coloured
from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.output import note, write
from statechart.terminal.streams import size_of

_END_OF_LINE, _END_OF_SCREEN, _CLEARED = "\x1b[K", "\x1b[J", "\x1b[2J\x1b[H"
# What makes a line worth to be printed again: not its age, which changes all the time.
_TOLD = ("class", "state", "release", "serving", "url", "note", "labels", "expires_at")


class _View(Protocol):
    def show(self, found: Gathered, wanted: Wanted) -> None: ...


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
    found: Gathered | None = None
    async for changed in NameChanges(settings.data_dir).names(every=EVERY):
        if found is None or changed or _may_change_by_itself(found, wanted):
            checked = found is not None
            found = gather(settings, wanted.selection)
            if not checked:  # later, environments may come and go
                check(found, wanted)
        view.show(found, wanted)


def _may_change_by_itself(found: Gathered, wanted: Wanted) -> bool:
    """Return whether the list may change without a change of a file: a process dies, or time passes."""
    return wanted.selection.expired or any(
        each["class"] in (UNDER_WAY, INTERRUPTED) for each in found.documents
    )


def _nothing(settings: Settings) -> str:
    return f"no environments in {settings.data_dir.absolute()}"


@dataclass(slots=True)
class _Drawing:
    """The list on a terminal, drawn over what was drawn before."""

    settings: Settings
    drawn: list[str] = field(default_factory=list)
    size: os.terminal_size | None = None

    def show(self, found: Gathered, wanted: Wanted) -> None:
        """Draw the list if it has changed, at most as many lines as the terminal has."""
        size = size_of(sys.stdout) or os.terminal_size((80, 24))
        lines = rendered(found, wanted, size.columns) if found.documents or found.unreadable else []
        last = counted(found, size.columns) if found.total else [_nothing(self.settings)]
        room = max(1, size.lines - len(last) - 1)  # the cursor is on the line below
        if len(lines) > room:
            if wanted.sort == "name":  # what needs attention must not be what does not fit
                lines = rendered(found, wanted._replace(sort="state"), size.columns)
            lines = [*lines[: room - 1], f"… {len(lines) - room + 1} more lines"]
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

    def show(self, found: Gathered, wanted: Wanted) -> None:
        """Print the lines that have changed."""
        size = size_of(sys.stdout)
        heading, *lines = rendered(found, wanted._replace(group_by=None), size.columns if size else None)
        documents = ordered(found.documents, wanted.sort)
        now: dict[str, object] = {each["name"]: [each[key] for key in _TOLD] for each in documents}
        now |= {name: report.message for name, report in found.unreadable}
        changed = [
            line for line, name in zip(lines, now, strict=True) if now[name] != (self.told or {}).get(name)
        ]
        changed += self._gone(found, now)
        if self.told is None:
            note("\n".join(counted(found, None)) if found.total else _nothing(self.settings))
            changed = [heading, *changed] if found.total else []
        if changed:
            write("".join(f"{coloured(strip_control_codes(line))}\n" for line in changed))
        self.told = now

    def _gone(self, found: Gathered, now: dict[str, object]) -> Iterator[str]:
        for name in (self.told or {}).keys() - now.keys():
            yield f"- {'not selected any more' if name in found.names else 'purged'}: {name}"
