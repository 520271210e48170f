"""Environments that can't be read, as lists hold them."""

from __future__ import annotations

from typing import NamedTuple


class UnreadableSummary(NamedTuple):
    """An environment that can't be read, and the error."""

    name: str
    error: Exception
