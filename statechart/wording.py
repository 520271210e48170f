"""The words of messages: lists, suggestions and the texts of states."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name closest to `name`, or None if none is close."""
    # Every start of the command line loads this module; difflib takes as long to load as all of it.
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.6)), None)


def listed(names: Iterable[str]) -> str:
    """Return names as a list for a sentence, or `nothing`."""
    return ", ".join(names) or "nothing"


def plain(value: object) -> object:
    """Return the value of an Enum's member, or any other value as it is."""
    return value.value if isinstance(value, Enum) else value


def state_text(value: object) -> str:
    """Return the text of a state's value, by which graphs, messages and records name the state."""
    return str(plain(value))
