"""Rows: the environments that are worked on, a line each at the bottom of the terminal, drawn by rich."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from statechart.formats.columns import shortened
from statechart.terminal.cells import wrapped
from statechart.terminal.control_codes import strip_control_codes

_WIDE = 70  # columns, from which on there is room for the state
_STATE = len("provision_failed")


@dataclass(slots=True)
class Row:
    """An environment that is worked on.

    Attributes:
        name: The environment.
        state: Its state, as far as known.
        due: The place of the command among those that are planned, as `2 of 3: `; or empty.
        doing: The command and the step under way.
        reason: Why the step waits, or how far it has come.
        begun: The time of the monotonic clock at which the work began.
    """

    name: str
    state: str = ""
    due: str = ""
    doing: str = ""
    reason: str = ""
    begun: float = field(default_factory=time.monotonic)


class LiveRows:
    """Rows that are redrawn while the work goes on, and vanish as it ends.

    Args:
        states: The states of the environments before the work, by name.
    """

    def __init__(self, states: Mapping[str, str]) -> None:
        self._states = states
        self._ended = 0
        self._rows: dict[str, Row] = {}
        self._spinner: Spinner = Spinner("dots")
        self._console: Console = Console(stderr=True, highlight=False)
        self._live: Live = self._start()

    def row(self, name: str) -> Row:
        """Return the row of an environment, adding it if it is missing."""
        return self._rows.setdefault(name, Row(name, self._states.get(name, "")))

    def remove(self, name: str) -> None:
        """Remove the row of an environment."""
        self._rows.pop(name, None)
        self._ended += 1

    def note(self, text: str) -> None:
        """Print a message above the rows."""
        lines = wrapped(strip_control_codes(text), self._console.width)
        with suppress(OSError):
            self._console.print(Text("\n".join(lines)), soft_wrap=True)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Clear the rows while something else is printed."""
        self.close()
        try:
            yield
        finally:
            self._live = self._start()

    def close(self) -> None:
        """Remove all rows from the terminal."""
        with suppress(OSError):  # a terminal that is gone must not stop the commands
            self._live.stop()

    def _start(self) -> Live:
        # A new one each time: a stopped one would draw over what was printed since.
        live = Live(
            get_renderable=self._drawn,
            console=self._console,
            transient=True,
            refresh_per_second=8,
            redirect_stdout=False,  # the result may go to a file
            redirect_stderr=False,
        )
        with suppress(OSError):
            live.start()
        return live

    def _drawn(self) -> Group:
        left = len(self._states) - self._ended - len(self._rows)
        waiting = f", {left} waiting" if left else ""
        rows = tuple(self._rows.values())
        width = min(max((len(row.name) for row in rows), default=0), self._console.width // 3)
        lines = [self._line(row, width) for row in rows]
        return Group(*lines, Text(f"{self._ended} of {len(self._states)} ended{waiting}"))

    def _line(self, row: Row, width: int) -> Text:
        name = row.name if len(row.name) <= width else f"{row.name[: width - 1]}…"
        state = f"{row.state:<{_STATE}}  " if self._console.width >= _WIDE else ""
        passed = f"{time.monotonic() - row.begun:.0f}s"
        head = strip_control_codes(f" {passed:>4}  {name:<{width}}  {state}")
        room = self._console.width - 1 - len(head)
        # The step tells more than the place of its command, and that more than the reason.
        doing = row.due + row.doing if len(row.due + row.doing) <= room else row.doing
        reason = shortened(strip_control_codes(row.reason), room - len(doing) - 2)
        if reason not in ("", "…"):
            doing = f"{doing}: {reason}"
        spinner = self._spinner.render(time.monotonic())
        drawn = Text(no_wrap=True, overflow="crop")
        return drawn.append(str(spinner)).append(head + shortened(doing, room))
