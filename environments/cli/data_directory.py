"""Data directory: the names of environments, read without opening any of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from environments.cli.settings import Settings


def names(settings: Settings) -> list[str]:
    """Return the sorted names in the data directory that may be environments.

    Raises:
        OSError: The data directory can't be read; FileNotFoundError if it does not exist.
    """
    with os.scandir(settings.data_dir) as entries:
        return sorted(entry.name for entry in entries if not entry.name.startswith("."))
