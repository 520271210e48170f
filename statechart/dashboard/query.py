"""Query: the numbers, texts and paths of an address, which anybody may have typed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from starlette.requests import Request

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


def own_path(request: Request) -> str:
    """Return the path of a request below that of the dashboard."""
    # Not that of `request.url`, which begins with the host that the client has sent.
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", ""))


def own_address(request: Request) -> str:
    """Return the path and the query of a request, to ask for the same again."""
    scope = request.scope
    query = scope["query_string"].decode("latin-1")
    path = local_path(quote(scope["path"]), scope.get("root_path", ""))
    return f"{path}?{query}" if query else path
