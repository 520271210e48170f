"""Plan a deployment: a release and a run, with configure before them if its inputs differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.errors import NotProvisioned
from environments.lifecycle import Lifecycle, Subject
from environments.model.command_name import CommandName
from environments.model.operation import merged
from environments.model.states import EnvironmentState

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.ports import Provider

_UNPROVISIONED = {EnvironmentState.CREATED, EnvironmentState.PROVISION_FAILED}
_UNCONFIGURED = {EnvironmentState.PROVISIONED, EnvironmentState.CONFIGURE_FAILED}


def require_deployable(environment: AnyEnvironment) -> None:
    """Check that an environment can be deployed to.

    Raises:
        NotProvisioned: There is nothing to deploy to, or the last provision failed.
        InvalidTransition: It is destroyed, or its teardown has begun.
    """
    state = environment.state.name
    if state in _UNPROVISIONED and not environment.teardown_begun:
        raise NotProvisioned(environment.name, state)
    first = Lifecycle.configure if state in _UNCONFIGURED else Lifecycle.release
    Lifecycle.bound(Subject.of(environment)).require(first)


def deployment(environment: AnyEnvironment, provider: Provider) -> tuple[CommandName, ...]:
    """Return the commands of a deployment, in order."""
    configure = (CommandName.CONFIGURE,) if _needs_configure(environment, provider) else ()
    return (*configure, CommandName.RELEASE, CommandName.RUN)


def _needs_configure(environment: AnyEnvironment, provider: Provider) -> bool:
    """Return whether configure never succeeded, or would apply other inputs than the last time."""
    applied = environment.applied.get(CommandName.CONFIGURE)
    if environment.state.name in _UNCONFIGURED or applied is None:
        return True
    steps = provider.steps(CommandName.CONFIGURE, environment)
    return merged((step.name, step.input_digests) for step in steps) != applied.inputs
