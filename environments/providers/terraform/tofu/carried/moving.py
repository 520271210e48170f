"""Terraform's state, packed for a record that moves to a database, and unpacked on its way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common import known_hosts
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.connection import PINNED, REACHED
from environments.providers.terraform.tofu.backends.declared import BACKEND
from environments.providers.terraform.tofu.carried.build import put_by
from environments.providers.terraform.tofu.carried.keys import StateKeys
from environments.providers.terraform.tofu.carried.version import Version, pack
from environments.providers.terraform.tofu.carried.whole import WholeState
from environments.system.files import make_directories, read_own, replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform.settings import TerraformSettings


def packed(spec: TerraformSettings, environment: AnyEnvironment, directory: Path) -> bytes | None:
    """Return the state in a directory, as a version to store with the record; None if there is none.

    Raises:
        StepFailed: The state is damaged or was not saved, or a key is missing.
    """
    layout = Layout(directory)
    _require_key(spec, environment, layout)
    if layout.unsaved_state.exists():
        summary = f"{layout.unsaved_state} holds a state that Terraform could not save: push it, then move"
        raise StepFailed(FailureCause.INFRASTRUCTURE, summary)
    state = WholeState.read(layout.state)
    if state is not None:
        return pack(state, StateKeys.of(spec.state_key), by="", at_work=layout.lock.exists())
    if layout.state.exists() and read_own(layout.state).strip():
        summary = f"{layout.state} can't be read: put it back from a backup, then move"
        raise StepFailed(FailureCause.FILE_SYSTEM, summary)
    if environment.outputs.details.get(BACKEND) and layout.completed.exists():
        completed = read_own(layout.completed).decode()
        return pack(None, StateKeys.of(spec.state_key), by="", at_work=False, completed=completed)
    return None


def _require_key(spec: TerraformSettings, environment: AnyEnvironment, layout: Layout) -> None:
    """Check that the record has the key of a host; that of an earlier version is only in a file here."""
    outputs, details = environment.outputs, environment.outputs.details
    known = details.get(PINNED) or spec.ssh.host_key or details.get("ssh_host_key")
    if outputs.instance_ip is None or not details.get(REACHED) or known:
        return
    key = known_hosts.pinned(layout.known_hosts, outputs.instance_ip, spec.ssh.port)
    if key is not None:
        summary = (
            f"the key of the host at {outputs.instance_ip} is only in {layout.known_hosts}: declare it, "
            f"then move: envchart update {environment.name} --set 'provider.ssh.host_key={key}'"
        )
        raise StepFailed(FailureCause.CONFIGURATION, summary)


def unpack(spec: TerraformSettings, environment: AnyEnvironment, directory: Path, content: bytes) -> None:
    """Write a stored version to the directory of a record in files, with the host's key.

    Raises:
        StepFailed: Another state is there, or the key is missing.
    """
    layout, version = Layout(directory), Version.parse(content)
    if environment.outputs.details.get(BACKEND):
        put_by(layout, version, StateKeys.of(spec.state_key))
    if not version.header.kept or environment.outputs.details.get(BACKEND):
        return
    state, there = version.state(StateKeys.of(spec.state_key)), WholeState.read(layout.state)
    if there is not None and there.digest != state.digest:
        summary = f"{layout.state} is another state: move it away, then try again"
        raise StepFailed(FailureCause.INFRASTRUCTURE, summary)
    make_directories(layout.module)
    replace_file(layout.state, state.content)
    outputs = environment.outputs
    key = outputs.details.get(PINNED)
    if outputs.instance_ip is not None and isinstance(key, str):
        known_hosts.pin(layout.known_hosts, outputs.instance_ip, spec.ssh.port, key)
