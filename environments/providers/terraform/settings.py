"""Settings of the terraform provider: outputs, SSH, service and time limits."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, Field, JsonValue, PrivateAttr

from environments.model.provider_kinds import ProviderSpec
from environments.providers.common.fields import HealthPath, NotNegative, Port, Positive, Variables
from environments.providers.common.paths import NamedPath
from environments.secrets.references import SecretRef

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# As useradd(8) accepts them.
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


def check_host_key(key: str) -> str:
    """Return the key if it is a public SSH key without a comment.

    Raises:
        ValueError: It is none.
    """
    if not _HOST_KEY.fullmatch(key):
        raise ValueError("must be a public key without its comment, like 'ssh-ed25519 AAAA…'")
    return key


def _check_command(command: tuple[str, ...]) -> tuple[str, ...]:
    if not command or not command[0] or any("\0" in word or "\n" in word for word in command):
        raise ValueError("the program has no name, or a word holds a NUL or a line break")
    return command


def _check_directory(directory: PurePosixPath) -> PurePosixPath:
    # Paths stand unquoted in unit files, where a line break would begin another setting.
    if not directory.is_absolute() or ".." in directory.parts or not str(directory).isprintable():
        raise ValueError("must be an absolute path of the host, without '..' and line breaks, like /opt")
    return directory


OutputName = Annotated[str, AfterValidator(_check_identifier)]
User = Annotated[str, AfterValidator(_check_user)]
HostDirectory = Annotated[PurePosixPath, AfterValidator(_check_directory)]
HostKey = Annotated[str, AfterValidator(check_host_key)]


class OutputNames(BaseModel, frozen=True, extra="forbid"):
    """The names of the module's outputs that describe the host."""

    instance_ip: OutputName = Field(default="instance_ip", description="The host's address.")
    ssh_host_key: OutputName | None = Field(
        default=None,
        description="The host's public SSH key, if the module knows the key before the host boots.",
        examples=["ssh_host_key"],
    )


class SshSettings(BaseModel, frozen=True, extra="forbid"):
    """The way to reach the host."""

    user: User = Field(default="root", description="The user on the host.")
    become: bool = Field(
        default=False, description="Whether to become root with sudo, which must not ask for a password."
    )
    key: NamedPath = Field(
        description="The file of the private key, which needs no passphrase.",
        examples=["~/.ssh/id_ed25519"],
    )
    port: Port = Field(default=22, description="The port of the SSH server.")
    host_key: HostKey | None = Field(
        default=None,
        description="The host's public key; by default the module's, else the first that the host shows.",
        examples=["ssh-ed25519 AAAA"],
    )


class ServiceSettings(BaseModel, frozen=True, extra="forbid"):
    """The application's service on the host."""

    directory: HostDirectory = Field(
        default=PurePosixPath("/opt"),
        description="The directory on the host in which the instance gets a directory of its own.",
    )
    command: Annotated[tuple[str, ...], AfterValidator(_check_command)] = Field(
        default=("python3", "app.py"), description="The program and its arguments, run in the release."
    )
    port: Port = Field(default=8080, description="The port that the service listens on, in $PORT.")
    user: User | None = Field(
        default=None,
        description="The user that the service runs as; by default the user of SSH.",
        examples=["root"],
    )
    env: Variables = Field(
        default={},
        description="The service's variables: a string, or the place of a secret, {env: VAR} or "
        "{file: PATH}, which is read when it is needed and never stored.",
        examples=[{"GREETING": "Hello", "API_KEY": {"env": "API_KEY"}}],
    )
    health: HealthPath = Field(
        default="/health",
        description="The path that answers 200 and $ENVCHART_INSTANCE_TOKEN while the service is healthy.",
    )
    start_timeout: Positive = Field(
        default=timedelta(seconds=30),
        description="The time within which the service has to become healthy, in seconds.",
    )
    settle: NotNegative = Field(
        default=timedelta(seconds=1),
        description="The time for which the service has to stay healthy, in seconds.",
    )
    stop_grace: NotNegative = Field(
        default=timedelta(seconds=5),
        description="The time that the service has to end by itself before it is killed, in seconds.",
    )


class Timeouts(BaseModel, frozen=True, extra="forbid"):
    """Time limits of the steps, in seconds."""

    init: Positive = Field(default=timedelta(minutes=5), description="Terraform's init.")
    plan: Positive = Field(default=timedelta(minutes=5), description="Terraform's plan.")
    apply: Positive = Field(default=timedelta(minutes=30), description="Terraform's apply.")
    ssh: Positive = Field(default=timedelta(minutes=5), description="Until the host answers.")
    boot: Positive = Field(default=timedelta(minutes=10), description="Until cloud-init is done.")
    configure: Positive = Field(default=timedelta(minutes=30), description="The playbook.")
    release: Positive = Field(default=timedelta(minutes=10), description="The upload of a release.")
    destroy: Positive = Field(default=timedelta(minutes=30), description="Terraform's destroy.")


# In this order: {env: VAR} is a reference to a secret before it is any JSON object.
Value: TypeAlias = Annotated[SecretRef | JsonValue, Field(union_mode="left_to_right")]
Values: TypeAlias = dict[str, Value]


class TerraformSettings(ProviderSpec, frozen=True, extra="forbid"):
    """The fields of a spec with the kind `terraform`."""

    kind: Literal["terraform"] = Field(default="terraform", description="The kind of provider.")
    directory: NamedPath = Field(
        description="The Terraform module; its files that end in .j2 are rendered with Jinja2.",
        examples=["./terraform"],
    )
    binary: str | None = Field(
        default=None,
        min_length=1,
        description="The program; by default tofu if it is installed, else terraform.",
        examples=["tofu"],
    )
    variables: Values = Field(
        default={},
        description="The module's variables: a value, or the place of a secret, {env: VAR} or "
        "{file: PATH}, which is read when it is needed and never stored.",
        examples=[
            {"size": "small", "cloud_token": {"env": "CLOUD_TOKEN"}, "other_token": {"file": "./token"}}
        ],
    )
    backend_env: Variables = Field(
        default={},
        description="The environment variables of the module's own backend: a string, or the place of a "
        "secret, {env: VAR} or {file: PATH}, which is read when it is needed and never stored.",
        examples=[{"PG_SCHEMA_NAME": "web", "PG_CONN_STR": {"env": "PG_CONN_STR"}}],
    )
    outputs: OutputNames = Field(
        default=OutputNames(), description="The names of the module's outputs that describe the host."
    )
    ssh: SshSettings = Field(description="The way to reach the host.")
    playbook: NamedPath | None = Field(
        default=None,
        description="The Ansible playbook that configures the host.",
        examples=["./site.yml"],
    )
    playbook_variables: Values = Field(
        default={},
        description="The playbook's variables, values and secrets like the module's.",
        examples=[{"greeting": "Hello"}],
    )
    vault_password: SecretRef | None = Field(
        default=None,
        description="The place of the password of files that ansible-vault has encrypted, {env: VAR} "
        "or {file: PATH}, which is read when it is needed and never stored.",
        examples=[{"env": "VAULT_PASSWORD"}],
    )
    state_key: SecretRef | None = Field(
        default=None,
        exclude_if=lambda key: key is None,
        description="The place of the key that encrypts Terraform's state in the record of a database, "
        "{env: VAR} or {file: PATH}: 32 bytes in base64; earlier keys may follow.",
        examples=[{"env": "STATE_KEY"}],
    )
    app: NamedPath = Field(
        description="The application's directory, which is copied into each release.", examples=["./app"]
    )
    service: ServiceSettings = Field(default=ServiceSettings(), description="The application's service.")
    timeouts: Timeouts = Field(default=Timeouts(), description="Time limits of the steps, in seconds.")
    address: str | None = Field(
        default=None,
        description="The existing host that register adopts, instead of one that the module creates.",
        examples=["192.0.2.7"],
    )
    pinned_release: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{12}$",
        description="An existing release to run, instead of a new copy of the application.",
    )

    # Where the spec has the application, if the files are a copy of it elsewhere.
    _declared_app: Path | None = PrivateAttr(default=None)

    @property
    def declared_app(self) -> Path:
        """The application's directory as declared, on whatever machine."""
        return self._declared_app or self.app

    @property
    def plain_variables(self) -> dict[str, JsonValue]:
        """The module's variables without the secrets."""
        return {name: value for name, value in self.variables.items() if not isinstance(value, SecretRef)}
