"""The inputs of the local provider's steps, from the spec as a model or as it is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from environments.model.command_name import CommandName

if TYPE_CHECKING:
    from pydantic import JsonValue

STARTED_WITH = ("command", "health", "env", "files")
"""The fields that a service is started with."""


class Settings(Protocol):
    """The part of the spec that decides whether a running environment is as declared."""

    @property
    def app(self) -> object:
        """The application's directory."""
        ...

    @property
    def port(self) -> int | None:
        """The wanted port, if any."""
        ...

    @property
    def health(self) -> str:
        """The path of the health check."""
        ...

    @property
    def files(self) -> Mapping[str, str]:
        """The configuration files."""
        ...

    @property
    def public_env(self) -> Mapping[str, str]:
        """The variables with a plain value."""
        ...

    @property
    def pinned_release(self) -> str | None:
        """An existing release to run."""
        ...

    @property
    def started_with(self) -> Mapping[str, JsonValue]:
        """The fields of `STARTED_WITH`, as JSON."""
        ...


class Built(Protocol):
    """The part of an environment that enters the inputs."""

    @property
    def lineage(self) -> str:
        """The incarnation of the environment."""
        ...

    @property
    def outputs(self) -> Facts:
        """The facts about the resources."""
        ...


class Facts(Protocol):
    """The facts that enter the inputs."""

    @property
    def release(self) -> str | None:
        """The installed release."""
        ...

    @property
    def port(self) -> int | None:
        """The reserved port."""
        ...


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """The settings in a stored spec."""

    plain: Mapping[str, Any]  # Any: JSON

    @property
    def app(self) -> str:
        """The application's directory."""
        return str(self.plain["app"])

    @property
    def port(self) -> int | None:
        """The wanted port, if any."""
        port: int | None = self.plain["port"]
        return port

    @property
    def health(self) -> str:
        """The path of the health check."""
        return str(self.plain["health"])

    @property
    def files(self) -> Mapping[str, str]:
        """The configuration files."""
        files: Mapping[str, str] = self.plain["files"]
        return files

    @property
    def public_env(self) -> Mapping[str, str]:
        """The variables with a plain value."""
        return public(self.plain["env"])

    @property
    def pinned_release(self) -> str | None:
        """An existing release to run."""
        release: str | None = self.plain["pinned_release"]
        return release

    @property
    def started_with(self) -> Mapping[str, JsonValue]:
        """The fields of `STARTED_WITH`, as JSON."""
        return {key: self.plain[key] for key in STARTED_WITH}


def public(env: Mapping[str, object]) -> dict[str, str]:
    """Return the variables with a plain value."""
    return {name: value for name, value in env.items() if isinstance(value, str)}


def inputs_of(command: CommandName, spec: Settings, environment: Built) -> dict[str, JsonValue]:
    """Return the inputs of a command of the path; its steps have all or some of them."""
    inputs: dict[str, JsonValue] = {"lineage": environment.lineage}
    release, port = environment.outputs.release, environment.outputs.port
    match command:
        case CommandName.PROVISION:
            inputs |= {"port": spec.port}
        case CommandName.CONFIGURE:
            # Without the variables, although there is a file with them: the next run writes it again.
            inputs |= {"files": {**spec.files}}
        case CommandName.RELEASE:
            inputs |= {"app": str(spec.app), "pinned": spec.pinned_release}
        case CommandName.RUN:
            inputs |= {"release": release, "settings": fingerprint(spec, release or "", port or 0)}
    return inputs


def fingerprint(spec: Settings, release: str, port: int) -> str:
    """Return the digest of the settings with which a service is started, without secrets."""
    # Secrets enter with their location: the digest is stored, and would give short values away.
    text = json.dumps([spec.started_with, release, port], sort_keys=True)
    return sha256(text.encode()).hexdigest()
