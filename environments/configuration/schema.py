"""The JSON schema of spec files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from environments.model.errors import UnknownProvider
from environments.model.names import MAX_NAME_LENGTH
from environments.model.provider_kinds import provider_class, provider_kinds
from environments.model.spec import EnvironmentSpec

_NAME_PATTERN = "^[a-z]([a-z0-9]|-(?=[a-z0-9]))*$"


def spec_schema(
    leave_out: Callable[[UnknownProvider], object] = lambda _error: None,
) -> dict[str, Any]:  # Any: JSON
    """Return the JSON Schema of a spec file, with the installed kinds of providers.

    Args:
        leave_out: Receives the error of each kind that can't be imported and is left out.
    """
    schema = EnvironmentSpec.model_json_schema()
    definitions: dict[str, Any] = {}
    mapping = {}
    for kind in sorted(provider_kinds()):
        try:
            provider = provider_class(kind)
        except UnknownProvider as error:
            leave_out(error)
            continue
        described = provider.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= described.pop("$defs", {})
        # The kind has a default in the class, but selects the class in a file.
        described["required"] = sorted({"kind", *described.get("required", ())})
        definitions[provider.__name__] = described
        mapping[kind] = f"#/$defs/{provider.__name__}"
    schema["$defs"] = definitions
    schema["properties"]["provider"] = {
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "kind", "mapping": mapping},
        "description": schema["properties"]["provider"]["description"],
    }
    schema["properties"]["name"] |= {"pattern": _NAME_PATTERN, "maxLength": MAX_NAME_LENGTH}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_with_seconds(schema)}


def _with_seconds(schema: Any) -> Any:  # Any: JSON
    """Accept a number of seconds for each duration, as loading does."""
    if isinstance(schema, list):
        return [_with_seconds(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _with_seconds(part) for key, part in schema.items()}
    if found.get("format") == "duration":
        found["type"] = [found["type"], "number"]
    return found
