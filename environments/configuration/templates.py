"""Commented files to start an environment from, generated from the schema of spec files."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from datetime import timedelta
from io import StringIO
from typing import Any, Final

from pydantic import TypeAdapter
from ruamel.yaml import YAML

from environments.configuration.schema import spec_schema
from environments.model.names import check_name

TEMPLATES: Final = ("local", "terraform")
"""The kinds of providers that have a template."""

_HEAD = """\
# An environment, for `envchart create --file FILE`. Relative paths are relative to this file.
# A commented-out field shows its default or an example.
# For completion in an editor: envchart schema > envchart.schema.json, then
# yaml-language-server: $schema=envchart.schema.json
"""
_WIDTH = 100
_SECONDS = TypeAdapter(timedelta)


def spec_template(name: str = "demo", kind: str = "local") -> str:
    """Return a commented file that is valid unchanged, and shows every field.

    Raises:
        InvalidName: The name breaks a rule.
        LookupError: There is no such kind of provider.
    """
    schema = spec_schema()
    provider = schema["properties"].pop("provider")
    if kind not in provider["discriminator"]["mapping"]:
        raise LookupError(f"there is no template for {kind!r}")
    examples = {
        "name": check_name(name),
        "instance_name": f"envchart-{name}",
        "description": "The shop, for tests.",
    }
    for field, example in examples.items():
        schema["properties"][field]["examples"] = [example]
    chosen = {**provider, "$ref": provider["discriminator"]["mapping"][kind]}
    lines = [_HEAD, *_fields(schema, schema["$defs"]), "", *_field("provider", chosen, schema["$defs"])]
    return "\n".join(lines) + "\n"


def _fields(model: Mapping[str, Any], definitions: Mapping[str, Any], mark: str = "") -> Iterator[str]:
    required = model.get("required", ())
    for name, field in model["properties"].items():
        if "const" in field:  # the kind of provider, which the provider itself describes best
            field = {**field, "description": model["description"].partition("\n")[0]}
        yield from _field(name, field, definitions, mark or ("" if name in required else "#"))


def _field(
    name: str, field: Mapping[str, Any], definitions: Mapping[str, Any], mark: str = ""
) -> Iterator[str]:
    """Yield a field below its description; a mark comments out all that YAML would read."""
    inner = definitions.get(field.get("$ref", "").rpartition("/")[2], {})
    value = inner or _value(field)
    if value in (None, "", [], {}):
        return  # neither an example nor a default: the field is for programs
    text = field.get("description") or inner.get("description", "")
    yield from textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="#   ")
    if inner:
        yield f"{mark}{name}:"
        yield from (f"  {line}" for line in _fields(inner, definitions, mark))
    else:
        yield from (_marked(line, mark) for line in _written(name, value))


def _value(field: Mapping[str, Any]) -> Any:  # Any: JSON
    value = field.get("const", field.get("examples", [field.get("default")])[0])
    return _SECONDS.validate_python(value).total_seconds() if field.get("format") == "duration" else value


def _marked(line: str, mark: str) -> str:
    # After the indentation, so that removing the mark is enough.
    text = line.lstrip()
    return f"{line[: len(line) - len(text)]}{mark}{text}"


def _written(name: str, value: Any, *, inline: bool = False) -> Iterator[str]:  # Any: JSON
    """Yield the YAML of a key and its value; with `inline`, a mapping stays on the line of its key."""
    if isinstance(value, Mapping) and not inline:
        yield f"{name}:"
        for key, each in value.items():
            yield from (f"  {line}" for line in _written(key, each, inline=True))
    elif isinstance(value, str) and "\n" in value:
        yield f"{name}: |"
        yield from (f"  {line}" for line in value.splitlines())
    else:
        yield f"{name}: {_flow(value)}"


def _flow(value: Any) -> str:  # Any: JSON
    yaml = YAML()
    yaml.default_flow_style, yaml.width = True, 10 * _WIDTH
    text = StringIO()
    yaml.dump(int(value) if isinstance(value, float) and value.is_integer() else value, text)
    return text.getvalue().removesuffix("...\n").strip()
