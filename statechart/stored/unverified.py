"""Read the lines of a history without verifying them, for lists of many values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from statechart.storage.forms import read_json


def record_of(line: bytes) -> dict[str, Any] | None:  # Any: JSON, with a datetime as `at`
    """Return a line of a history as a record, or None if it is none."""
    try:
        found = read_json(line)
        found["at"] = datetime.fromisoformat(found["at"])
        whole = (
            type(found["seq"]) is int and type(found["revision"]) is int and isinstance(found["data"], dict)
        )
        return found if whole and "value" in found and found["prev"] and found["type"] else None
    except (ValueError, TypeError, KeyError):
        return None
