"""The actions of documents that need no code: raising an event, writing a log line, giving data.

Each has an attribute `written`, its element in SCXML, for `statechart.formats.scxml`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def raising(event: str) -> Callable[..., None]:
    """Return the action that raises an event; nothing happens if the chart takes none of this name."""

    def action(machine: Any) -> None:
        if event in type(machine)._declared:
            machine.raise_(event)

    return _named(action, f"raise {event}", ("raise", {"event": event}))


def logging(message: str) -> Callable[..., None]:
    """Return the action that writes a log line."""

    def action(machine: Any) -> None:
        type(machine).emit("INFO", message, {"chart": type(machine).__name__})

    return _named(action, f"log {message!r}", ("log", {"label": message}))


def giving(data: Mapping[str, Any]) -> Callable[..., dict[str, Any]]:
    """Return the action of a final state that gives its done event data."""

    def action() -> dict[str, Any]:
        return dict(data)

    return _named(action, "data", ("donedata", dict(data)))


def never() -> bool:
    """The document says `false`."""
    return False


def _named(action: Callable[..., Any], name: str, written: object) -> Callable[..., Any]:
    action.__name__ = name
    vars(action)["written"] = written
    return action


vars(never)["written"] = ("cond", "false")
