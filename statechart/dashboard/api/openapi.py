"""The description of the API, in OpenAPI 3.1.

Source: OpenAPI Specification 3.1.1.
"""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from statechart.dashboard.api.calls import BASE

if TYPE_CHECKING:
    from statechart.dashboard.api.calls import Api, Call

_ETAG: Final = {
    "description": "The version of the document, for If-None-Match.",
    "schema": {"type": "string"},
}
_LINK: Final = {
    "description": "The pages first, prev, next and last (RFC 8288).",
    "schema": {"type": "string"},
}
_KNOWN: Final = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of an earlier answer.",
    "schema": {"type": "string"},
}


def description(api: Api[Any], root: str = "") -> dict[str, Any]:  # Any: of any desk, and JSON
    """Return the description of an API below a path."""
    return {
        "openapi": "3.1.1",
        "info": {"title": api.title, "version": version("envchart"), "description": api.about},
        "servers": [{"url": f"{root}{BASE}"}],
        "security": [{"token": []}],
        "paths": {call.path: {"get": _operation(call, api.noun)} for call in api.calls},
        "components": {
            "schemas": dict(api.schemas()),
            "responses": {
                str(status.value): {"description": about, "content": _json("Error")}
                for status, about in _errors(api.noun).items()
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": f"The token that `{api.program}` prints at its start.",
                }
            },
        },
    }


def _errors(noun: str) -> dict[HTTPStatus, str]:
    return {
        HTTPStatus.BAD_REQUEST: "A parameter is unknown, or has a value that makes no sense.",
        HTTPStatus.UNAUTHORIZED: "The token is missing or wrong.",
        HTTPStatus.NOT_FOUND: f"There is no such {noun}, or it did not exist then.",
        HTTPStatus.SERVICE_UNAVAILABLE: f"The {noun} can't be read, for the reason that the error gives.",
    }


def _operation(call: Call[Any], noun: str) -> dict[str, Any]:  # Any: of any desk, and JSON
    errors = [status for status in _errors(noun) if call.is_about_one or status != HTTPStatus.NOT_FOUND]
    links = {"Link": _LINK} if any(each.name == "page" for each in call.parameters) else {}
    name = {
        "name": "name",
        "in": "path",
        "required": True,
        "description": f"The name of the {noun}.",
        "schema": {"type": "string"},
    }
    return {
        "operationId": call.id,
        "summary": call.about,
        "description": f"The document of `{call.command} --json`.",
        "parameters": [
            *([name] if call.is_about_one else []),
            *(parameter.described() for parameter in call.parameters),
            _KNOWN,
        ],
        "responses": {
            "200": {
                "description": "The document.",
                "headers": {"ETag": _ETAG, **links},
                "content": _json(call.schema),
            },
            "304": {"description": "The document has not changed.", "headers": {"ETag": _ETAG}},
            **{str(each.value): {"$ref": f"#/components/responses/{each.value}"} for each in errors},
        },
    }


def _json(schema: str) -> dict[str, Any]:  # Any: JSON
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
