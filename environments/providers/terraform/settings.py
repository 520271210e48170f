"""The parts of the terraform provider's settings: SSH, the service, outputs and time limits."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from environments.providers.common.fields import HealthPath, NotNegative, Positive, Variables

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_HOST_KEY = re.compile(r"(ssh-|ecdsa-|sk-)[a-z0-9@.-]+ [A-Za-z0-9+/]+=*")


def _check_identifier(name: str) -> str:
    if not _IDENTIFIER.fullmatch(name):
        raise ValueError("must be the name of an output: letters, digits, '_' and '-'")
    return name


def _check_user(user: str) -> str:
    if not _USER.fullmatch(user):
        raise ValueError("must be the name of a user of the host: a-z, 0-9, '_' and '-'")
    return user


def _check_host_key(key: str) -> str:
    if not _HOST_KEY.fullmatch(key):
        raise ValueError("must be a public key without its comment, like 'ssh-ed25519 AAAA…'")
    return key


def _check_command(command: tuple[str, ...]) -> tuple[str, ...]:
    if not command or not command[0] or any("\0" in word or "\n" in word for word in command):
        raise ValueError("the program has no name, or a word holds a NUL or a line break")
    return command


def _check_directory(directory: PurePosixPath) -> PurePosixPath:
    if not directory.is_absolute() or ".." in directory.parts or not str(directory).isprintable():
        raise ValueError("must be an absolute path of the host, without '..' and line breaks, like /opt")
    return directory


OutputName = Annotated[str, AfterValidator(_check_identifier)]
User = Annotated[str, AfterValidator(_check_user)]
HostDirectory = Annotated[PurePosixPath, AfterValidator(_check_directory)]
HostKey = Annotated[str, AfterValidator(_check_host_key)]


class OutputNames(BaseModel, frozen=True, extra="forbid"):
    """Which of the module's outputs say what."""

    instance_ip: OutputName = Field(default="instance_ip", description="The host's address.")
    ssh_host_key: OutputName | None = Field(
        default=None, description="The host's public SSH key, when the module knows it before the boot."
    )


class SshSettings(BaseModel, frozen=True, extra="forbid"):
    """How the host is reached."""

    user: User = Field(default="root", description="The user on the host.")
    become: bool = Field(default=False, description="Run what needs root on the host by sudo -n.")
    key: Path = Field(description="The private key's file, which needs no passphrase.")
    port: int = Field(default=22, ge=1, le=65535, description="The port of the SSH server.")
    host_key: HostKey | None = Field(
        default=None,
        description="The host's public key; without it, and without one from the module, the key that "
        "the host shows first is pinned.",
    )


class ServiceSettings(BaseModel, frozen=True, extra="forbid"):
    """The application's service on the host."""

    directory: HostDirectory = Field(
        default=PurePosixPath("/opt"),
        description="The directory on the host that gets one, named after the instance, for all of it.",
    )
    command: Annotated[tuple[str, ...], AfterValidator(_check_command)] = Field(
        default=("python3", "app.py"), description="The program and its arguments, run in the release."
    )
    port: int = Field(default=8080, ge=1, le=65535, description="The port that it listens on, in $PORT.")
    user: User | None = Field(default=None, description="The user that it runs as; by default SSH's.")
    env: Variables = Field(
        default={}, description="Its variables: a text, or a secret's place, {env: VAR} or {file: PATH}."
    )
    health: HealthPath = Field(
        default="/health", description="The path that answers 200 with the instance's token."
    )
    start_timeout: Positive = Field(
        default=timedelta(seconds=30), description="How long it may take to get healthy."
    )
    settle: NotNegative = Field(
        default=timedelta(seconds=1), description="How long it has to stay healthy."
    )
    stop_grace: NotNegative = Field(
        default=timedelta(seconds=5), description="How long it may take to end by itself."
    )


class Timeouts(BaseModel, frozen=True, extra="forbid"):
    """How long each step may take."""

    init: Positive = Field(default=timedelta(minutes=5), description="Terraform's init.")
    plan: Positive = Field(default=timedelta(minutes=5), description="Terraform's plan.")
    apply: Positive = Field(default=timedelta(minutes=30), description="Terraform's apply.")
    ssh: Positive = Field(default=timedelta(minutes=5), description="Until the host answers.")
    boot: Positive = Field(default=timedelta(minutes=10), description="Until cloud-init is done.")
    configure: Positive = Field(default=timedelta(minutes=30), description="The playbook.")
    release: Positive = Field(default=timedelta(minutes=10), description="The upload of a release.")
    destroy: Positive = Field(default=timedelta(minutes=30), description="Terraform's destroy.")
