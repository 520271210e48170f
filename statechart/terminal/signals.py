"""Signals of a process, from its start to its end: none may cost the output or change the exit code."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE: Final = 10.0  # seconds from a late signal to the end of a process that does not finish

_late: signal.Signals | None = None


def heeded() -> list[signal.Signals]:
    """Return the signals that end this process.

    A signal that the parent has us ignore (nohup, a shell's background job) stays ignored. Only
    the main thread may set handlers, so there are none in another thread.
    """
    if threading.current_thread() is not threading.main_thread():
        return []
    return [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]


@contextmanager
def handled_signals(*, own_process: bool) -> Iterator[None]:
    """Handle signals while a program runs: the first Ctrl-C interrupts, later signals let it finish.

    Args:
        own_process: Whether the process ends afterwards. Signals are ignored then, since the
            interpreter would die of them while it exits. Otherwise the handlers are put back.
    """
    global _late
    numbers = heeded()
    before = {number: signal.getsignal(number) for number in (*numbers, signal.SIGALRM) if numbers}
    _late = None
    if signal.SIGINT in before:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN if own_process else before[number])
        if numbers:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before[signal.SIGALRM])


def let_finish() -> None:
    """From now on, keep signals from changing how the process ends.

    The end is decided, and only has to be printed. If it can't be, because the output is not read
    or a thread never ends, a signal still ends the process after a while.
    """
    for number in heeded():
        signal.signal(number, _come_late)


def late_signal() -> signal.Signals | None:
    """Return the last signal that came after `let_finish`, or None."""
    return _late


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # The handlers change first: a second Ctrl-C must not break the report of the first.
    let_finish()
    raise KeyboardInterrupt


def _come_late(number: int, _frame: FrameType | None) -> None:
    global _late
    _late = signal.Signals(number)
    if not signal.getitimer(signal.ITIMER_REAL)[0]:
        signal.signal(signal.SIGALRM, lambda _number, _frame: os._exit(128 + number))
        signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
