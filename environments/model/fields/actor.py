"""The author of a change, as records name it."""

from __future__ import annotations

_LONGEST = 100  # characters


def checked_actor(actor: str) -> str:
    """Return an actor that records may name.

    Raises:
        ValueError: It is not a short line of printable characters.
    """
    if not actor.strip() or not actor.isprintable() or len(actor) > _LONGEST:
        raise ValueError(
            f"the author of changes is 1 to {_LONGEST} printable characters, not {actor[:_LONGEST]!r}"
        )
    return actor


def as_actor(name: str, how: str = "") -> str:
    """Return a name, followed by the way of acting, as an actor: shortened, and printable."""
    printable = "".join(char for char in name if char.isprintable()).strip() or "unknown"
    return f"{printable[: _LONGEST - len(how)]}{how}"
