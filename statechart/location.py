"""Locations of stores: the path of a directory, or the URL of a database."""

from __future__ import annotations

import re
from pathlib import Path

_PASSWORD = re.compile(r"(?<=://)([^:/?#]+):[^?#]*@")
_IN_QUERY = re.compile(r"(?<=[?&])(?:ssl)?password=[^&#]*&?")


def is_url(location: str | Path) -> bool:
    """Return whether a location is the URL of a database, and not a path."""
    return "://" in str(location)


def without_password(url: str) -> str:
    """Return a URL as messages and commands show it; a path is returned as it is.

    A password with an `@` that is not encoded is removed as well.
    """
    if not is_url(url):
        return url
    return _IN_QUERY.sub("", _PASSWORD.sub(r"\1@", url)).rstrip("?&")
