"""Forms: the fields that a page sends."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

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
    async for part in request.stream():
        content += part
        if len(content) > _LARGEST:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "the form is too large")
    try:
        return dict(parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=100))
    except ValueError as error:  # also of what is not UTF-8
        raise Refused(HTTPStatus.BAD_REQUEST, "not_a_form", "the request has no readable form") from error
