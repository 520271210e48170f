"""The record of the service that was started last, in instance.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .files import write

Record = dict[str, Any]  # Any: JSON
"""Has `release`, `token`, `fingerprint`, `supervisor` and `log`, the position where the output begins.
A plain daemon's also has `pid` and `started`, once the process exists."""


def load(root: Path) -> Record | None:
    """Return the record, or None if there is no readable record."""
    try:
        found = json.loads((root / "instance.json").read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def save(root: Path, record: Record) -> None:
    """Write the record durably."""
    write(root / "instance.json", json.dumps(record))


def forget(root: Path) -> None:
    """Remove the record."""
    (root / "instance.json").unlink(missing_ok=True)
