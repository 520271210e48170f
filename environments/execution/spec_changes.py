"""Check a changed spec before it is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from math import isfinite
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from environments.errors import InvalidConfiguration, ProvisionNeeded, UnexpectedState
from environments.lifecycle import Subject
from environments.model.fields.expiry import expiry
from environments.model.states import Created, Destroyed
from environments.secrets.references import BLANK, placed_references

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.provider_kinds import ProviderSpec
    from environments.model.spec import EnvironmentSpec


def usable(
    spec: EnvironmentSpec, checked: Callable[[ProviderSpec], ProviderSpec] = lambda provider: provider
) -> EnvironmentSpec:
    """Return a spec with absolute paths, after checking that its provider can be used.

    `checked` returns the provider that is checked instead, with copies of files that this machine lacks.
    """
    # Before paths become absolute: an empty one would become the current directory.
    blank = tuple(
        f"{'.'.join(map(str, place))}: {BLANK}"
        for place, reference in placed_references(spec.provider)
        if reference.is_blank
    )
    # Later commands may run in another directory.
    provider = spec.provider.relative_to(Path.cwd())
    fields = {**spec.model_dump(exclude={"provider"}), **provider.model_dump()}
    problems = blank or tuple(_unstorable(fields)) or checked(provider).problems()
    if problems:
        raise InvalidConfiguration(f"the spec of {spec.name!r}", problems)
    return spec.model_copy(update={"provider": provider})


def _unstorable(value: object, place: str = "") -> Iterator[str]:
    """Yield a line for each value that JSON can't hold, with its dotted place.

    Python reads an undecodable byte of an argument or a file's name as half of a surrogate pair.
    """
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _unstorable(key, f"{place}{key}")
            yield from _unstorable(part, f"{place}{key}.")
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from _unstorable(part, f"{place}{number}.")
    elif isinstance(value, float):
        if not isfinite(value):
            yield f"{place.removesuffix('.')}: is not a finite number, and can't be stored"
    elif isinstance(value, str | PurePath):
        try:
            str(value).encode()
        except UnicodeEncodeError:
            name = place.removesuffix(".").encode(errors="backslashreplace").decode()
            yield f"{name}: contains a character that UTF-8 lacks"


def check_expiry(spec: EnvironmentSpec, created_at: datetime, now: datetime) -> None:
    """Check that an environment created at that time expires in the future, if at all.

    Raises:
        InvalidConfiguration: The time has passed.
    """
    at = expiry(created_at, spec.expires)
    if at is not None and at <= now:
        counted = ", counted from its creation" if isinstance(spec.expires, timedelta) else ""
        problem = f"expires: {at:%Y-%m-%d %H:%M:%SZ} is in the past{counted}; give a later time"
        raise InvalidConfiguration(f"the spec of {spec.name!r}", [problem])


def check_applicable(environment: AnyEnvironment, spec: EnvironmentSpec) -> None:
    """Check that a spec can replace the spec of an environment.

    Raises:
        UnexpectedState: The environment is destroyed, or being torn down.
        ProvisionNeeded: A field differs that no command can apply to resources that exist.
    """
    if isinstance(environment.state, Destroyed) or environment.teardown_begun:
        expected = ["one that is neither destroyed nor being torn down"]
        raise UnexpectedState(environment.name, expected=expected, actual=environment.condition)
    if isinstance(environment.state, Created):  # there are no resources that could differ
        return
    fields = [f"provider.{field}" for field in environment.spec.provider.needs_provision(spec.provider)]
    if not Subject.of(environment).adopted:  # provision can change the rest in place
        fields = [field for field in fields if field == "provider.kind"]
    if environment.spec.instance_name != spec.instance_name:
        fields.append("instance_name")
    if fields:
        raise ProvisionNeeded(environment.name, fields)


def differences(old: dict[str, object], new: dict[str, object], prefix: str = "") -> Iterator[str]:
    """Yield the dotted names of the fields that differ between two dumps."""
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from differences(before, after, f"{prefix}{key}.")
        elif before != after:
            yield f"{prefix}{key}"
