"""The settings of the local provider."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue

from environments.model.provider_kinds import ProviderSpec
from environments.providers.common.fields import HealthPath, NotNegative, Port, Positive, Variables
from environments.providers.common.paths import NamedPath
from environments.providers.local.config_files import ENVIRONMENT_FILE
from environments.providers.local.inputs import STARTED_WITH, fingerprint, public


def _check_command(command: tuple[str, ...]) -> tuple[str, ...]:
    if command and (not command[0] or any("\0" in word for word in command)):
        raise ValueError("the name of the program is empty, or a word contains a NUL character")
    return command


def _check_files(files: dict[str, str]) -> dict[str, str]:
    for name in files:  # each becomes a path below the configuration directory, and must stay inside
        path = PurePosixPath(name)
        plain = name and "\0" not in name and not path.is_absolute() and str(path) == name
        if not plain or ".." in path.parts or not path.parts:
            raise ValueError(f"{name!r} is not a plain path inside the configuration directory")
        if path.parts[0] == ENVIRONMENT_FILE:
            raise ValueError(f"{ENVIRONMENT_FILE} is written by envchart itself")
        if any(str(parent) in files for parent in path.parents):
            raise ValueError(f"{name!r} lies below another file of the configuration")
    return files


Command = Annotated[tuple[str, ...], AfterValidator(_check_command)]
Files = Annotated[dict[str, str], AfterValidator(_check_files)]


class LocalSettings(ProviderSpec, frozen=True, extra="forbid"):
    """The fields of the spec, which the steps read; validated without access to the disk."""

    kind: Literal["local"] = Field(default="local", description="The kind of provider.")
    app: NamedPath = Field(
        description="The application's directory, which is copied into each release.", examples=["./app"]
    )
    command: Command = Field(
        default=(),
        description="The program and its arguments, run in the release; by default Python runs app.py.",
        examples=[["python3", "app.py"]],
    )
    health: HealthPath = Field(
        default="/health",
        description="The path that answers 200 and $ENVCHART_INSTANCE_TOKEN while the service is healthy.",
    )
    port: Port | None = Field(
        default=None,
        description="The loopback port, in $PORT; by default a free one.",
        examples=[8080],
    )
    env: Variables = Field(
        default={},
        description="The application's variables: a string, or the place of a secret, {env: VAR} or "
        "{file: PATH}, which is read at each start and never stored.",
        examples=[{"GREETING": "Hello", "API_KEY": {"env": "API_KEY"}, "PASSWORD": {"file": "./password"}}],
    )
    files: Files = Field(
        default={},
        description="Configuration files, in the directory $ENVCHART_CONFIG: relative path and content.",
        examples=[{"settings.ini": "[log]\nlevel = info\n"}],
    )
    start_timeout: Positive = Field(
        default=timedelta(seconds=10),
        description="The time within which the service has to become healthy, in seconds.",
    )
    settle: NotNegative = Field(
        default=timedelta(seconds=0.3),
        description="The time for which the service has to stay healthy, in seconds.",
    )
    stop_grace: NotNegative = Field(
        default=timedelta(seconds=5),
        description="The time that the service has to end by itself before it is killed, in seconds.",
    )
    preflight: bool = Field(
        default=True,
        description="Whether a release is first started beside the running service, on a spare port, and "
        "takes its place only if it gets healthy; false for an application that can't run twice.",
    )
    pinned_release: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{12}$",
        description="An existing release to run, instead of a new copy of the application.",
    )

    @property
    def public_env(self) -> dict[str, str]:
        """The variables with a plain value."""
        return public(self.env)

    @property
    def started_with(self) -> dict[str, JsonValue]:
        """The fields that a service is started with, as JSON."""
        return self.model_dump(mode="json", include=set(STARTED_WITH))

    def fingerprint(self, release: str, port: int) -> str:
        """Return the digest of the settings with which a service is started, without secrets."""
        return fingerprint(self, release, port)
