"""For tests of charts: drivers, paths, matrices, a Hypothesis machine, coverage and contracts.

Names are loaded when they are first used: only `state_machine` needs Hypothesis.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statechart.testing.cells import Cell, matrix
    from statechart.testing.covering import Path, Uncoverable, paths
    from statechart.testing.driver import Driver
    from statechart.testing.machine import ChartMachine, state_machine

_HOME_OF = {
    "Cell": "cells",
    "ChartMachine": "machine",
    "Driver": "driver",
    "Path": "covering",
    "Uncoverable": "covering",
    "matrix": "cells",
    "paths": "covering",
    "state_machine": "machine",
}

__all__ = ["Cell", "ChartMachine", "Driver", "Path", "Uncoverable", "matrix", "paths", "state_machine"]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
