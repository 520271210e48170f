"""Numbers of wishes: the environment, and a part that no other wish has."""

from __future__ import annotations

import secrets


def number_of(name: str) -> str:
    """Return the number for a new wish about an environment."""
    return f"{name}.{secrets.token_hex(4)}"
