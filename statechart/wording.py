"""Lists and suggestions for messages."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name closest to `name`, or None if none is close."""
    # Every start of the command line loads this module; difflib takes as long to load as all of it.
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.6)), None)


def listed(names: Iterable[str]) -> str:
    """Return names as a list for a sentence, or `nothing`."""
    return ", ".join(names) or "nothing"
