"""Mover: a process that has loaded everything, and moves an environment in a child for each line of input.

A line names the two stores, the change after which the child kills itself, and the seconds after which a
timer does; 0 is never. The answer is the signal that ended the child, or 0.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any, Final

from environments import Workspace
from environments.storage import moving
from environments.storage.sql import repository
from statechart.storage.moving import files, rows

CHANGES: Final = {
    "stage": (files.FileHarbour, rows.RowHarbour),
    "leave": (files.FileDeparture, rows.RowDeparture),
    "arrive": (files.FileHarbour, rows.RowHarbour),
    "_record": (moving.Move,),
}
"""The calls that change a store, after each of which a move can be killed."""

LOADED: Final = (repository,)


def die_at(number: int) -> None:
    """Kill this process after one of its changes; 0 is none."""
    calls = count(1)

    def reached() -> None:
        if next(calls) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    for name, kinds in CHANGES.items():
        for kind in kinds:
            setattr(kind, name, telling(getattr(kind, name), reached))


def telling(plain: Callable[..., Any], reached: Callable[[], None]) -> Callable[..., Any]:
    """Return a function around another that tells its end."""

    def call(*arguments: Any) -> Any:
        done = plain(*arguments)
        reached()
        return done

    return call


def move(source: str, target: str, call: int, seconds: float) -> int:
    """Move `web` in a child, and return the signal that ended it, or 0."""
    child = os.fork()
    if child == 0:
        die_at(call)
        # The default action of SIGALRM ends a process at once, with no more ado than SIGKILL.
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            Workspace(source).move("web", target)
        finally:
            os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    for line in sys.stdin:
        here, there, at, after = line.rstrip("\n").split("\t")
        print(move(here, there, int(at), float(after)), flush=True)
