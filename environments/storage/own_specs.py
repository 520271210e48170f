"""Forms of the stored specs of envchart's own providers."""

# Forms can't import annotations from __future__: their annotations are read as objects.
from datetime import timedelta
from typing import Any

from statechart.storage.forms import Form


class _LocalForm(Form):
    kind: str
    app: str
    command: list[str]
    health: str
    port: int | None
    env: dict[str, Any]  # Any: JSON, here and below
    files: dict[str, Any]
    start_timeout: timedelta
    settle: timedelta
    stop_grace: timedelta
    preflight: bool
    pinned_release: str | None


class _OutputNamesForm(Form):
    instance_ip: str
    ssh_host_key: str | None


class _SshForm(Form):
    user: str
    become: bool
    key: str
    port: int
    host_key: str | None


class _ServiceForm(Form):
    directory: str
    command: list[str]
    port: int
    user: str | None
    env: dict[str, Any]
    health: str
    start_timeout: timedelta
    settle: timedelta
    stop_grace: timedelta


class _TimeoutsForm(Form):
    init: timedelta
    plan: timedelta
    apply: timedelta
    ssh: timedelta
    boot: timedelta
    configure: timedelta
    release: timedelta
    destroy: timedelta


class _TerraformForm(Form):
    omitted = frozenset({"state_key"})

    kind: str
    directory: str
    binary: str | None
    variables: dict[str, Any]
    backend_env: dict[str, Any]
    outputs: _OutputNamesForm
    ssh: _SshForm
    playbook: str | None
    playbook_variables: dict[str, Any]
    vault_password: dict[str, Any] | None
    state_key: dict[str, Any] | None
    app: str
    service: _ServiceForm
    timeouts: _TimeoutsForm
    address: str | None
    pinned_release: str | None


OWN_SPECS: dict[str, type[Form]] = {"local": _LocalForm, "terraform": _TerraformForm}
"""The forms by kind. Other packages' specs have none: finding those packages takes a slow scan."""
