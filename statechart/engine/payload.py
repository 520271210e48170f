"""The payload of an event: the keywords that guards, hooks and others take from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from statechart.errors import UnknownPayload
from statechart.wording import nearest

if TYPE_CHECKING:
    from _collections_abc import dict_items, dict_keys, dict_values

RESERVED = frozenset(
    (
        "event_data",
        "machine",
        "event",
        "model",
        "transition",
        "state",
        "source",
        "target",
        "delay",
        "send_id",
        "internal",
        "key",
        "on_error",
        "self",
    )
)
"""Keywords that the engine gives to guards and hooks itself, or drops."""


class Payload(dict[str, Any]):
    """A payload that notes the keywords that are read.

    A commit reads it as well: a keyword is misspelt only if neither a hook nor the commit takes it.
    """

    def __init__(self, given: Any = (), taken: Iterable[str] | None = ()) -> None:
        super().__init__(given)
        self.taken: frozenset[str] | None = None if taken is None else frozenset(taken)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def __iter__(self) -> Iterator[str]:
        self.read.update(super().keys())
        return super().__iter__()

    # Those of a dict would read past the two methods above.
    def get(self, name: str, default: Any = None, /) -> Any:
        """Return the value of a keyword, or the default."""
        self.read.add(name)
        return super().get(name, default)

    def keys(self) -> dict_keys[str, Any]:
        """Return the keywords; all count as read."""
        self.read.update(super().keys())
        return super().keys()

    def values(self) -> dict_values[str, Any]:
        """Return the values; all keywords count as read."""
        self.read.update(super().keys())
        return super().values()

    def items(self) -> dict_items[str, Any]:
        """Return the keywords with their values; all count as read."""
        self.read.update(super().keys())
        return super().items()

    def unread(self) -> list[str]:
        """Return the keywords that neither a hook takes nor anything has read."""
        if self.taken is None:  # a hook takes every keyword
            return []
        return sorted(frozenset(super().keys()) - self.taken - self.read)

    def misspelt(self) -> tuple[str, str] | None:
        """Return a keyword that nothing takes, with the keyword that was probably meant."""
        known = ((self.taken or frozenset()) | self.read) - frozenset(super().keys())
        for name in self.unread():
            meant = nearest(name, sorted(known), 0.75)
            if meant is not None:
                return name, meant
        return None


def require_spelt(chart: str, event: str, payload: Mapping[str, Any], taken: frozenset[str] | None) -> None:
    """Check that the payload of an event has no keyword that is probably misspelt.

    Args:
        taken: The keywords that guards and hooks of the event take, or None if any takes all.

    Raises:
        UnknownPayload: Nothing takes a keyword, and its name is close to one that is taken.
    """
    __tracebackhide__ = True
    misspelt = Payload(payload, taken).misspelt() if payload else None
    if misspelt is not None:
        raise UnknownPayload(chart, event, *misspelt)
