"""Responses of the API: JSON with an entity tag, which spares a client what it has already."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the API.

    Attributes:
        document: The document, as `--json` prints it.
        tag: What the document depends on; None if only its content tells.
        links: The addresses of other answers, by their relation to this one.
    """

    document: object
    tag: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)


def digest(document: object) -> str:
    """Return a short digest of a document."""
    return _digest(json.dumps(document).encode())


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]


def response(request: Request, answer: Answer) -> Response:
    """Return an answer as a response, without content if the client has it."""
    content = json.dumps(answer.document).encode()
    tag = answer.tag or _digest(content)
    headers = {"ETag": f'"{tag}"'}
    if answer.links:
        headers["Link"] = ", ".join(f'<{place}>; rel="{rel}"' for rel, place in answer.links.items())
    if _has(request, tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers["Content-Type"] = "application/json"
    if request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(len(content))})
    return Response(content, headers=headers)


def _has(request: Request, tag: str) -> bool:
    """Return whether the client has the document of a tag.

    Source: RFC 9110, section 13.1.2 (If-None-Match).
    """
    known = ",".join(request.headers.getlist("if-none-match"))
    return known.strip() == "*" or tag in _TAG.findall(known)
