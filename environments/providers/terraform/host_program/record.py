"""Record: the service as it was started last, kept beside it in instance.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .files import write

Record = dict[str, Any]  # Any: JSON
"""`release`, `token`, `fingerprint`, `supervisor` and `log`, where its output begins; of a plain
daemon, once it was started, `pid` and `started` too."""


def load(root: Path) -> Record | None:
    """Return the record, or None for none that can be read."""
    try:
        found = json.loads((root / "instance.json").read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def save(root: Path, record: Record) -> None:
    """Put it in place, durably."""
    write(root / "instance.json", json.dumps(record))


def forget(root: Path) -> None:
    """Remove it."""
    (root / "instance.json").unlink(missing_ok=True)
