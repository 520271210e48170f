"""Connections to the host of an environment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import StepContext
from environments.providers.common import ssh
from environments.providers.common.ssh import Target
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.remote.host import HostDirectory
from environments.system.files import AnyPath

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.providers.terraform.settings import TerraformSettings


REACHED = "host_reached"
"""The detail of the outputs that is true once SSH has succeeded, so that a service may run there."""


PINNED = "pinned_host_key"
"""The detail of the outputs with the key that the host has to show, to commands on any machine."""


def target_of(spec: TerraformSettings, address: str, known_hosts: AnyPath) -> Target:
    """Return the SSH target for an address."""
    settings = spec.ssh
    return Target(
        host=address,
        port=settings.port,
        user=settings.user,
        key=settings.key,
        known_hosts=known_hosts,
        become=settings.become,
    )


def host_target(spec: TerraformSettings, context: StepContext) -> Target:
    """Return the SSH target of the environment's host.

    Raises:
        StepFailed: No host is recorded.
    """
    address = context.environment.outputs.instance_ip
    if address is None:
        summary = "no host is recorded: destroy the environment, then create it again"
        raise StepFailed(FailureCause.CONFIGURATION, summary)
    return target_of(spec, address, Layout.at(context).known_hosts)


def can_be_reached(context: StepContext) -> bool:
    """Return whether there is a host with a pinned key; if not, no service was ever started.

    Raises:
        StepFailed: The build directory of a registered host is lost, so a service may be left running.
    """
    outputs, layout = context.environment.outputs, Layout.at(context)
    if outputs.instance_ip is None or layout.known_hosts.is_file():
        return outputs.instance_ip is not None
    # Without the key, no host at that address is known to be the one where the service was started.
    # If the host was made here, that does no harm: destroy removes the host with the service.
    if outputs.details.get(REACHED) and not outputs.owned and not layout.build.is_dir():
        summary = (
            f"{layout.build} is gone, and with it the key of the host at {outputs.instance_ip}, where the "
            "service may run: put it back from a backup. Or, if that host is gone for good, create "
            "an empty directory in its place"
        )
        raise StepFailed(FailureCause.CONFIGURATION, summary)
    return False


@asynccontextmanager
async def on_host(spec: TerraformSettings, context: StepContext) -> AsyncIterator[HostDirectory]:
    """Open a connection to the environment's directory on its host."""
    async with ssh.connect(host_target(spec, context)) as remote:
        yield HostDirectory(remote, root_of(spec, context.environment), context.environment.lineage)


def root_of(spec: TerraformSettings, environment: AnyEnvironment) -> str:
    """Return the environment's directory on its host."""
    return str(spec.service.directory / environment.spec.instance_name)
