"""Versions of the program: work goes to workers of the same version, or of a newer one."""

from __future__ import annotations

import re
from functools import cache
from importlib import metadata
from typing import Final

_NUMBER: Final = re.compile(r"\d+")


@cache
def present() -> str:
    """Return the version of this program."""
    return metadata.version("envchart")


def is_older(version: str, than: str) -> bool:
    """Return whether a version is older than another; a version that can't be read is not."""
    mine, other = _numbers(version), _numbers(than)
    return bool(mine) and mine < other


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBER.findall(version))
