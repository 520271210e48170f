"""The encodings in which programs print a secret."""

from __future__ import annotations

import html
import json
import shlex
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

_SHORTEST_BASE64 = 8


def written_forms(secret: str) -> set[str]:
    """Return a secret verbatim and as encoded in URLs, JSON, Python, shells, HTML and Base64."""
    bare = secret.strip()
    return {form for text in (secret, bare) for form in (*_quoted(text), *_base64(text)) if form}


def _quoted(text: str) -> Iterator[str]:
    yield text
    yield text.encode("utf-8", "backslashreplace").decode()  # as logs store unencodable characters
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    yield ascii(text)[1:-1]
    yield shlex.quote(text).removeprefix("'").removesuffix("'")
    yield html.escape(text)
    yield html.escape(text, quote=False)
    data = text.encode("utf-8", "surrogateescape")
    for safe in ("", "/"):
        for escaped in (quote(data, safe), quote_plus(data, safe)):
            yield escaped
            yield _lower_hex(escaped)


def _lower_hex(escaped: str) -> str:
    first, *rest = escaped.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


def _base64(text: str) -> Iterator[str]:
    """Yield the text's Base64 as a part of any longer encoded text, such as `user:password`."""
    # Three bytes become four characters, so the text can begin at three offsets. The characters at
    # the ends are left out, since they depend on the neighbouring bytes as well.
    data = text.encode("utf-8", "surrogateescape")
    for before in range(3):
        bits = (before + len(data)) * 8
        found = b64encode(bytes(before) + data).decode()[-(before * -8 // 6) : bits // 6]
        if len(found) >= _SHORTEST_BASE64:
            yield found
            yield found.replace("+", "-").replace("/", "_")
