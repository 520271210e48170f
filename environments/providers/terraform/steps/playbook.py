"""The step that runs the playbook, and the check for changes since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import Probed, Step, StepContext
from environments.providers.common.ansible.playbook import Playbook
from environments.providers.common.steps import provider_step
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.connection import host_target, root_of
from environments.secrets.references import SecretRef

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform.settings import TerraformSettings


def playbook_steps(spec: TerraformSettings, environment: AnyEnvironment) -> Sequence[Step]:
    """Return the step that runs the playbook, if a playbook is declared."""
    if spec.playbook is None:
        return ()
    inputs: dict[str, JsonValue] = {
        "lineage": environment.lineage,
        # The playbook's own text: roles and files that it includes are known to Ansible only.
        "playbook": _digest(spec.playbook),
        "variables": spec.model_dump(mode="json", include={"playbook_variables"}),
        "service": [spec.service.port, str(spec.service.directory)],  # variables of the playbook as well
    }
    if spec.vault_password is not None:
        inputs["vault_password"] = spec.vault_password.model_dump(mode="json")
    within = spec.timeouts.configure
    step = provider_step(spec, run_playbook, probe_playbook, inputs=inputs, timeout=within)
    # Ansible runs on this machine and on the host: a rehearsal leaves both alone.
    return (replace(step, probe_has_effects=True),)


def _digest(path: Path) -> str | None:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else None


# Two groups that every inventory has, and the controller.
_ANSIBLES_OWN = frozenset({"all", "ungrouped", "localhost"})


async def run_playbook(spec: TerraformSettings, context: StepContext) -> None:
    """Run the playbook, and report the changes."""
    events = await _playbook(spec, context).run(context)
    context.report(events.summary())


async def probe_playbook(spec: TerraformSettings, context: StepContext) -> Probed:
    """Check which changes the playbook would make now."""
    checked = await check_playbook(spec, context)
    if checked.changes:
        return Probed.not_done(f"the playbook would change: {'; '.join(checked.changes[:5])}")
    if checked.unseen:
        return Probed.unknown(f"not seen: {'; '.join(checked.unseen[:5])}")
    # Never done: tasks such as commands are skipped by a check.
    return Probed.unknown("a playbook that would change nothing may still have tasks to run")


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of a check of the playbook.

    Attributes:
        changes: The tasks that would make changes now.
        unseen: The tasks that were not checked, with the reason.
    """

    changes: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


async def check_playbook(spec: TerraformSettings, context: StepContext) -> Checked:
    """Return the changes that the playbook would make now, without making them.

    Raises:
        StepFailed: A secret can't be read, or the check was cancelled.
    """
    # A check fails, for instance, if a task needs a file that an earlier task would have created.
    if spec.playbook is None:
        return Checked()
    events = await _playbook(spec, context).check(context)
    return Checked(tuple(events.changed), tuple(events.unseen))


def _playbook(spec: TerraformSettings, context: StepContext) -> Playbook:
    if spec.playbook is None:
        raise StepFailed(FailureCause.CONFIGURATION, "no playbook is declared")
    environment, target = context.environment, host_target(spec, context)
    given = {
        name: value.resolve() if isinstance(value, SecretRef) else value
        for name, value in spec.playbook_variables.items()
    }
    return Playbook(
        path=spec.playbook,
        directory=Layout.at(context).ansible,
        name=_inventory_name(environment),
        address=target.host,
        port=target.port,
        user=target.user,
        key=target.key,
        known_hosts=target.known_hosts,
        become=spec.ssh.become,
        vault_password=spec.vault_password.resolve() if spec.vault_password else None,
        variables={
            **given,
            "envchart_name": environment.name,
            "envchart_instance_name": environment.spec.instance_name,
            "envchart_directory": root_of(spec, environment),
            "envchart_port": spec.service.port,
        },
    )


def _inventory_name(environment: AnyEnvironment) -> str:
    """Return the host's name in the inventory: the environment's, unless Ansible has a use for that."""
    candidates = (environment.name, environment.spec.instance_name, f"envchart-{environment.name}")
    return next(name for name in candidates if name not in _ANSIBLES_OWN)
