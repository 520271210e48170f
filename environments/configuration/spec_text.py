"""Write specs as YAML files, which are read as equal specs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic_core import to_jsonable_python

from environments.configuration.yaml_text import block
from environments.model.spec import EnvironmentSpec

_UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)))


def spec_text(spec: EnvironmentSpec) -> str:
    """Return a spec as the text of a file, without the fields that have their defaults.

    The text depends on the spec alone. Secrets are references, as in the spec.
    """
    head = f"# The environment {spec.name}, exported by envchart; to create it: envchart create --file FILE"
    return "\n".join([head, *block(dict(_content(spec)))]) + "\n"


def _content(spec: EnvironmentSpec) -> Iterator[tuple[str, Any]]:  # Any: JSON, here and below
    fields = spec.model_dump(exclude_defaults=True, exclude={"provider", "expires", "on_expiry"})
    if spec.instance_name == f"envchart-{spec.name}":
        del fields["instance_name"]
    yield from to_jsonable_python(fields).items()
    if spec.expires is not None:
        expires = spec.expires
        typed = typed_duration(expires) if isinstance(expires, timedelta) else to_jsonable_python(expires)
        yield "expires", typed
    if spec.on_expiry != "propose":
        yield "on_expiry", spec.on_expiry
    provider = spec.provider.model_dump(exclude_defaults=True)
    yield "provider", to_jsonable_python(_in_seconds({"kind": spec.provider.kind, **provider}))


def typed_duration(duration: timedelta) -> str | float:
    """Return a duration as a person types it: `8h`, or a number of seconds."""
    exact = (f"{duration // length}{unit}" for unit, length in _UNITS if not duration % length)
    return next(exact, None) or _seconds(duration)


def _in_seconds(value: Any) -> Any:
    """Return a value with each duration as a number of seconds."""
    if isinstance(value, timedelta):
        return _seconds(value)
    if isinstance(value, Mapping):
        return {key: _in_seconds(each) for key, each in value.items()}
    return [_in_seconds(each) for each in value] if isinstance(value, list | tuple) else value


def _seconds(duration: timedelta) -> float:
    seconds = duration.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds
