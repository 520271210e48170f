"""The whole terminal: drawn over and over in place, and asked for keys."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from environments.cli.commands.listing.rendering import plainer
from statechart.terminal.cells import cut, width_of
from statechart.terminal.colours import coloured
from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.output import write
from statechart.terminal.streams import size_of

# Another screen, without a cursor, on which lines that are too long are cut.
_OPENED: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l"
_CLOSED: Final = "\x1b[?7h\x1b[?25h\x1b[?1049l"
_HOME, _END_OF_LINE, _END_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"

_KEYS: Final = {
    "\x1b[A": "up", "\x1b[B": "down", "\x1b[C": "right", "\x1b[D": "left", "\x1bOA": "up", "\x1bOB": "down",
    "\x1bOC": "right", "\x1bOD": "left", "\x1b[5~": "page up", "\x1b[6~": "page down", "\x1b[H": "home",
    "\x1b[F": "end", "\x1b[1~": "home", "\x1b[4~": "end", "\x1b[Z": "back tab", "\x1b": "escape",
    "\t": "tab", "\n": "enter", "\r": "enter", "\x7f": "backspace", "\b": "backspace",
}  # fmt: skip
_KEY: Final = re.compile(r"\x1b[\[O][0-9;]*[A-Za-z~]|\x1b|[^\x1b]", re.S)


def can_draw() -> bool:
    """Return whether stdout is a terminal that can be drawn on."""
    return size_of(sys.stdout) is not None and os.environ.get("TERM", "dumb") != "dumb"


def size() -> os.terminal_size:
    """Return the size of the terminal."""
    return size_of(sys.stdout) or os.terminal_size((80, 24))


def keys_in(text: str) -> Iterator[str]:
    """Yield the names of the keys that a terminal sent; a printable key is its own name."""
    for found in _KEY.finditer(text):
        key = _KEYS.get(found[0], found[0])
        if key.isprintable():
            yield key


def draw(lines: Sequence[str]) -> None:
    """Draw lines over the whole terminal; those that do not fit are left out."""
    clean = (coloured(strip_control_codes(line)) for line in plainer(lines[: size().lines]))
    write(_HOME + f"{_END_OF_LINE}\n".join(clean) + _END_OF_LINE + _END_OF_SCREEN)


def sides(left: str, right: str, columns: int) -> str:
    """Return a line with a text at each side; without room, the right text is left out."""
    room = columns - width_of(left) - width_of(right)
    if room < 2:
        return cut(left, columns)
    return f"{left}{' ' * room}{right}"


@contextmanager
def whole_terminal(press: Callable[[str], None], redraw: Callable[[], None]) -> Iterator[None]:
    """Take the whole terminal, and call `press` with each key, and `redraw` when its size changes.

    Must be called while the event loop runs.
    """
    loop = asyncio.get_running_loop()
    before = termios.tcgetattr(sys.stdin) if sys.stdin.isatty() else None

    def take() -> None:
        if before is not None:
            tty.setcbreak(sys.stdin)
        write(_OPENED)

    def give_back() -> None:
        with suppress(OSError):
            write(_CLOSED)
        if before is not None:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

    def suspend() -> None:
        give_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        take()  # the shell has brought it back to the foreground
        redraw()

    take()
    loop.add_signal_handler(signal.SIGWINCH, redraw)
    loop.add_signal_handler(signal.SIGTSTP, suspend)
    if before is not None:
        loop.add_reader(sys.stdin, _read, press, loop)
    try:
        yield
    finally:
        loop.remove_reader(sys.stdin)
        loop.remove_signal_handler(signal.SIGTSTP)
        loop.remove_signal_handler(signal.SIGWINCH)
        give_back()


def _read(press: Callable[[str], None], loop: asyncio.AbstractEventLoop) -> Any:  # Any: nothing
    sent = os.read(sys.stdin.fileno(), 1024)
    if not sent:  # the terminal is gone
        loop.remove_reader(sys.stdin)
    for key in keys_in(sent.decode(errors="ignore")):
        press(key)
