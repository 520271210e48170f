"""Query: the numbers and texts of an address, which anybody may have typed."""

from __future__ import annotations

import re
from typing import Final

HIGHEST: Final = 10**12 - 1
"""The highest number that an address can name."""

_NUMBER: Final = re.compile(r"[0-9]{1,12}")


def number(text: str | None, default: int, lowest: int, highest: int) -> int:
    """Return a number within its limits; the default where the text is none, such as `abc` or `1e9`."""
    if text is None or _NUMBER.fullmatch(text) is None:
        return default
    return max(lowest, min(highest, int(text)))


def local_path(text: str | None, base: str) -> str:
    """Return a path of this server to go on with, or the first page where the text is something else."""
    home = f"{base}/"
    if text is None or not text.startswith(home) or not text.isprintable() or "\\" in text:
        return home
    return home if text.startswith("//") else text
