"""Check that this machine has what the work on an environment needs, before the work begins."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from environments.artifacts.trees import Travels
from environments.fleet.errors import Unfit
from environments.secrets.references import placed_references

if TYPE_CHECKING:
    from collections.abc import Iterator

    from environments.fleet.goals import Goal
    from environments.model.environment import AnyEnvironment

BOUND = frozenset({"local"})
"""The kinds of providers whose environments are on the machine that made them."""


def require_fit(environment: AnyEnvironment, goal: Goal) -> None:
    """Check that this machine can do the work.

    Raises:
        Unfit: It lacks a tool, a secret or a file, or the environment is on another machine.
    """
    if problems := dict.fromkeys(_problems(environment, goal)):
        raise Unfit(environment.name, problems)


def _problems(environment: AnyEnvironment, goal: Goal) -> Iterator[str]:
    provider = environment.spec.provider
    if provider.kind in BOUND and (host := _host(environment)) not in (None, socket.gethostname()):
        yield f"it is on {host}"
        return
    if goal.needs_secrets:
        for place, reference in placed_references(provider):
            if reference.missing:
                yield f"{'.'.join(map(str, place))}: {reference.missing}"
    if environment.artifacts and isinstance(provider, Travels):
        # Its files come from the store; keys and programs do not.
        for command in goal.commands:
            yield from provider.lacking(command)
    elif goal.needs_sources:
        yield from provider.problems()


def _host(environment: AnyEnvironment) -> str | None:
    """Return the machine that worked on an environment last, as far as the record tells."""
    operation = environment.operation
    return None if operation is None else operation.holder.host
