"""Forms: the fields that a page sends."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect

from statechart.dashboard.refusals import Refused

if TYPE_CHECKING:
    from starlette.requests import Request

_LARGEST: Final = 65_536  # bytes


async def form(request: Request) -> dict[str, str]:
    """Return the fields of a form.

    Raises:
        Refused: The form is too large, or not one.
    """
    content = b""
    try:
        async for part in request.stream():
            content += part
            if len(content) > _LARGEST:
                raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "the form is too large")
        return dict(parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=100))
    # Also of what is not UTF-8, and of a browser that is closed while it sends.
    except (ValueError, ClientDisconnect) as error:
        raise Refused(HTTPStatus.BAD_REQUEST, "not_a_form", "the request has no readable form") from error
