"""Declared spec: an environment's spec from a file or from the options of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from environments.artifacts.trees import APP
from environments.cli.parameters import TypedChanges
from environments.configuration.amendments import Amendment, Variable, variable
from environments.configuration.messages import describe_faults
from environments.configuration.spec_file import load_spec
from environments.errors import InvalidConfiguration
from environments.model.names import check_name
from environments.model.spec import EnvironmentSpec
from statechart.terminal.refusal import UsageRefused

_NEW = "create NAME --app DIR"


def declared_spec(
    name: str | None,
    file: Path | None,
    app: Path | None,
    *,
    port: int | None = None,
    env: tuple[str, ...] = (),
) -> EnvironmentSpec | None:
    """Return the spec declared by a file or by options, or None if neither was given.

    Raises:
        UsageRefused: The options contradict each other, or the name is missing.
        InvalidConfiguration: The spec is not valid.
    """
    if file is not None:
        if app is not None or port is not None or env:
            raise UsageRefused(
                "--file can't be combined with --app, --port or --env",
                ("write these settings into the file; for an example see envchart create --template",),
            )
        return load_spec(file, name=name)
    if app is None:
        if port is not None or env:
            raise UsageRefused("--port and --env need --app", (f"envchart {_NEW}",))
        return None
    if name is None:
        raise UsageRefused("--app needs a name", (f"envchart {_NEW}",))
    return _local_spec(name, app, port, env)


def _local_spec(name: str, app: Path, port: int | None, env: tuple[str, ...]) -> EnvironmentSpec:
    provider: dict[str, object] = {
        "kind": "local",
        "app": str(app),
        "port": port,
        "env": _variables(env, _NEW),
    }
    content = {"name": check_name(name), "provider": provider}
    try:
        spec = EnvironmentSpec.model_validate(content)
    except ValidationError as error:
        # The user typed options, so the errors name options instead of keys.
        faults = [fault.replace("provider.", "--", 1) for fault in describe_faults(error, content)]
        raise InvalidConfiguration("the command line", faults) from error
    # The record outlives this directory, so paths are made absolute.
    return spec.model_copy(update={"provider": spec.provider.relative_to(Path.cwd())})


def declared_amendment(typed: TypedChanges) -> Amendment | None:
    """Return the changes that options ask for, or None if none of them was given.

    Raises:
        UsageRefused: An option is not of its form, or names a key twice.
    """
    if not typed:
        return None
    assignments = tuple(_pairs("--set", typed.assign, f"{typed.command} NAME --set provider.port=8080"))
    for name, _ in assignments:
        if name in typed.unset:
            raise UsageRefused(f"{name!r} is set and unset", (f"envchart {typed.command} --help",))
    variables = _variables(typed.env, f"{typed.command} NAME")
    return Amendment(typed.app, variables, assignments, tuple(dict.fromkeys(typed.unset)))


def _variables(given: tuple[str, ...], command: str) -> dict[str, Variable]:
    variables: dict[str, Variable] = {}
    for key, value in _pairs("--env", given, f"{command} --env GREETING=Hello"):
        try:
            variables[key] = variable(value)
        except ValueError as error:
            raise UsageRefused(
                f"--env {f'{key}={value}'!r} {error}",
                (f"envchart {command} --env {key}=@env:VARIABLE",),
            ) from None
    return variables


class SpecChange:
    """The change of a spec that a file and options ask for; it remembers the spec before."""

    def __init__(self, declared: EnvironmentSpec | None, amendment: Amendment | None) -> None:
        self._declared = declared
        self._amendment = amendment
        self.before: EnvironmentSpec | None = None

    def __bool__(self) -> bool:
        return self._declared is not None or self._amendment is not None

    @property
    def refresh(self) -> bool | tuple[str, ...]:
        """The fields whose files are copied anew: of a spec file all, else an application that is given."""
        if self._declared is not None:
            return True
        return (APP,) if self._amendment is not None and self._amendment.app is not None else ()

    def __call__(self, recorded: EnvironmentSpec) -> EnvironmentSpec:
        """Return the changed spec."""
        self.before = recorded
        declared = self._declared or recorded
        return declared if self._amendment is None else self._amendment(declared)


def marked(
    spec: EnvironmentSpec, label: tuple[str, ...], expires: str | None, on_expiry: str | None
) -> EnvironmentSpec:
    """Return a spec with typed labels, beside the labels that it has, and a typed expiry.

    Raises:
        UsageRefused: A label is not of the form K=V, or a key is given twice.
        InvalidConfiguration: A label or the expiry is not valid.
    """
    labels = dict(_pairs("--label", label, f"{_NEW} --label team=web"))
    given: dict[str, object] = {"labels": {**spec.labels, **labels}} if labels else {}
    if expires is not None:
        given["expires"] = expires
    if on_expiry is not None:
        given["on_expiry"] = on_expiry
    content = {**dict(spec), **given}
    try:
        return EnvironmentSpec.model_validate(content) if given else spec
    except ValidationError as error:
        options = {"labels": "--label", "expires": "--expires", "on_expiry": "--on-expiry"}
        faults = [fault.partition(":") for fault in describe_faults(error, content)]
        told = [f"{options.get(place, place)}{colon}{text}" for place, colon, text in faults]
        raise InvalidConfiguration("the command line", told) from error


def _pairs(option: str, given: tuple[str, ...], example: str) -> Iterator[tuple[str, str]]:
    """Yield the keys and values of a repeatable option of the form K=V."""
    seen: set[str] = set()
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not key or key in seen:
            # Without a key, the value is not repeated: it may be a secret.
            shown = f" {key!r}" if key else ""
            problem = "is given twice" if key in seen else "is not of the form K=V"
            raise UsageRefused(f"{option}{shown} {problem}", (f"envchart {example}",))
        seen.add(key)
        yield key, value
