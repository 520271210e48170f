"""Plan a deployment: a release and a run, with configure before them if its inputs differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from environments.convergence.plan import PlannedCommand
from environments.errors import NotProvisioned
from environments.lifecycle import Lifecycle, Subject
from environments.model.command_name import CommandName
from environments.model.states import EnvironmentState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from environments.checks.difference import Difference
    from environments.model.environment import AnyEnvironment

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


def deployment(
    environment: AnyEnvironment, differences: Sequence[Difference]
) -> tuple[PlannedCommand, ...]:
    """Return the commands of a deployment, in order, each with its reasons."""
    return tuple(_planned(environment, differences))


def _planned(environment: AnyEnvironment, differences: Sequence[Difference]) -> Iterator[PlannedCommand]:
    reasons = {
        command: tuple(each.what for each in differences if each.mends is command)
        for command in (CommandName.CONFIGURE, CommandName.RELEASE)
    }
    if environment.state.name in _UNCONFIGURED:
        yield PlannedCommand(CommandName.CONFIGURE, ("not done yet",), follows=True)
    elif why := reasons[CommandName.CONFIGURE]:
        yield PlannedCommand(CommandName.CONFIGURE, why)
    yield PlannedCommand(CommandName.RELEASE, reasons[CommandName.RELEASE])
    yield PlannedCommand(CommandName.RUN, ("to serve it",), follows=True)


def left_out(environment: AnyEnvironment, differences: Sequence[Difference]) -> str | None:
    """Return a sentence about the differences that a deployment does not end, else None."""
    lines = [each.what for each in differences if each.mends is CommandName.PROVISION]
    if not lines:
        return None
    what, name = "; ".join(lines), environment.name
    return f"deploy leaves the infrastructure alone ({what}): up {name} applies that"
