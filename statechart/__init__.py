"""Declarative, durable statecharts: any flat chart made strict, and committed once per event.

Names are loaded when they are first used, so that reading a document does not load the engine.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statechart.chart import Chart, Event, State
    from statechart.errors import (
        AlreadyExists,
        ChartDefinitionError,
        CommitUncertain,
        Conflict,
        CorruptHistory,
        InvalidName,
        InvalidTransition,
        LeaseLost,
        Locked,
        NestedFire,
        NewerSchema,
        NotFound,
        NotOurs,
        ReservedPayload,
        Stale,
        StatechartError,
        StorageError,
        UnknownEvent,
        UnknownState,
    )
    from statechart.firing import fire
    from statechart.holder import Holder
    from statechart.hooks import Commit, Transition
    from statechart.storage.record import Record
    from statechart.storage.repository import JsonFileRepository
    from statechart.storage.session import Loaded, Session

_HOMES = {
    "chart": ("Chart", "Event", "State"),
    "errors": (
        "AlreadyExists",
        "ChartDefinitionError",
        "CommitUncertain",
        "Conflict",
        "CorruptHistory",
        "InvalidName",
        "InvalidTransition",
        "LeaseLost",
        "Locked",
        "NestedFire",
        "NewerSchema",
        "NotFound",
        "NotOurs",
        "ReservedPayload",
        "Stale",
        "StatechartError",
        "StorageError",
        "UnknownEvent",
        "UnknownState",
    ),
    "firing": ("fire",),
    "holder": ("Holder",),
    "hooks": ("Commit", "Transition"),
    "storage.record": ("Record",),
    "storage.session": ("Loaded", "Session"),
    "storage.repository": ("JsonFileRepository",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "AlreadyExists",
    "Chart",
    "ChartDefinitionError",
    "Commit",
    "CommitUncertain",
    "Conflict",
    "CorruptHistory",
    "Event",
    "Holder",
    "InvalidName",
    "InvalidTransition",
    "JsonFileRepository",
    "LeaseLost",
    "Loaded",
    "Locked",
    "NestedFire",
    "NewerSchema",
    "NotFound",
    "NotOurs",
    "Record",
    "ReservedPayload",
    "Session",
    "Stale",
    "State",
    "StatechartError",
    "StorageError",
    "Transition",
    "UnknownEvent",
    "UnknownState",
    "fire",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
