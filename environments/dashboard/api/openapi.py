"""The description of the API, in OpenAPI 3.1.

Source: OpenAPI Specification 3.1.1.
"""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from environments.dashboard.api.calls import CALLS
from environments.dashboard.api.schemas import schemas

if TYPE_CHECKING:
    from environments.dashboard.api.ask import Call

BASE: Final = "/api/v1"
"""The path that all paths of the API begin with."""

_ABOUT: Final = (
    "The environments of a data directory, read without their locks. Each document is the document that "
    "the command prints with `--json`."
)
_ETAG: Final = {
    "description": "The version of the document, for If-None-Match.",
    "schema": {"type": "string"},
}
_LINK: Final = {
    "description": "The pages first, prev, next and last (RFC 8288).",
    "schema": {"type": "string"},
}
_NAME: Final = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "The name of the environment.",
    "schema": {"type": "string"},
}
_KNOWN: Final = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of an earlier answer.",
    "schema": {"type": "string"},
}
_ERRORS: Final = {
    HTTPStatus.BAD_REQUEST: "A parameter is unknown, or has a value that makes no sense.",
    HTTPStatus.UNAUTHORIZED: "The token is missing or wrong.",
    HTTPStatus.NOT_FOUND: "There is no such environment, or it did not exist then.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The environment can't be read: its files are damaged, or its "
    "provider is not installed.",
}


def description(root: str = "") -> dict[str, Any]:  # Any: JSON
    """Return the description of the API below a path."""
    return {
        "openapi": "3.1.1",
        "info": {"title": "envchart", "version": version("envchart"), "description": _ABOUT},
        "servers": [{"url": f"{root}{BASE}"}],
        "security": [{"token": []}],
        "paths": {call.path: {"get": _operation(call)} for call in CALLS},
        "components": {
            "schemas": schemas(),
            "responses": {
                str(status.value): {"description": about, "content": _json("Error")}
                for status, about in _ERRORS.items()
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token that `envchart dashboard` prints at its start.",
                }
            },
        },
    }


def _operation(call: Call) -> dict[str, Any]:  # Any: JSON
    errors = [status for status in _ERRORS if call.is_about_one or status != HTTPStatus.NOT_FOUND]
    links = {} if call.is_about_one else {"Link": _LINK}
    return {
        "operationId": call.id,
        "summary": call.about,
        "description": f"The document of `{call.command} --json`.",
        "parameters": [
            *([_NAME] if call.is_about_one else []),
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
