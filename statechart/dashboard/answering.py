"""Answers to programs: JSON documents, each with the tag by which an unchanged one is not sent again."""

from __future__ import annotations

import json
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request


def answer(request: Request, document: object) -> Response:
    """Return a document as JSON, or 304 if the program has it already."""
    content = json.dumps(document).encode()
    # Weak: it may be sent compressed.
    tag = f'W/"{sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in _tags(request.headers.get("if-none-match", "")):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


def _tags(header: str) -> set[str]:
    found = {each.strip() for each in header.split(",")}
    return found | {f"W/{each}" for each in found if each.startswith('"')}
