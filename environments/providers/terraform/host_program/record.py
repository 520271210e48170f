"""The record of the service that was started last, in instance.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .files import write
from .refused import Refused

Record = dict[str, Any]  # Any: JSON
"""Has `release`, `token`, `fingerprint`, `operation`, `supervisor` and `log`, where the output begins.
A plain daemon's also has `pid` and `started`, once the process exists."""


_NEEDED = ("release", "token", "fingerprint")


def load(root: Path) -> Record | None:
    """Return the record, or None if no service is recorded.

    Raises:
        Refused: The record can't be read, so whether a service runs is not known.
    """
    path = root / "instance.json"
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path) from error
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) for name in _NEEDED):
        raise _unreadable(path)
    return found


def _unreadable(path: Path) -> Refused:
    advice = "end the service on the host by hand, remove that file, then try again"
    return Refused("file_system", f"{path}, the record of the service, is damaged: {advice}")


def save(root: Path, record: Record) -> None:
    """Write the record durably."""
    write(root / "instance.json", json.dumps(record))


def forget(root: Path) -> None:
    """Remove the record."""
    (root / "instance.json").unlink(missing_ok=True)
