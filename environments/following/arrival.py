"""Wait until an environment has reached a state."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from environments.errors import CommandFailed, OperationInterrupted, StateUnreachable
from environments.execution.progress import Noticed
from environments.following.sights import Sight, sights
from environments.lifecycle import Lifecycle, Subject
from environments.model.records import TransitionRecord
from environments.model.states import EnvironmentState, enter
from environments.ports import latest_of, where_of
from statechart.errors import NotFound
from statechart.graph import breadth_first, edges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from environments.execution.progress import Progress
    from environments.model.environment import AnyEnvironment
    from environments.ports import EnvironmentRepository

_PASSING = frozenset({"run_attempted"})
"""Guards that ask whether a command is under way; the others decide about the whole future."""


async def arrival(
    repository: EnvironmentRepository,
    name: str,
    wanted: Collection[EnvironmentState],
    *,
    gone: bool = False,
    tell: Callable[[Progress], None] = lambda _progress: None,
) -> AnyEnvironment | None:
    """Wait until an environment is in any of some states, or was since the call.

    Args:
        repository: The storage.
        name: The environment.
        wanted: The states.
        gone: Whether to wait for the purge as well.
        tell: Called with the present state at first, and with each other state.

    Returns:
        The environment as it reached the state, or None if it is gone.

    Raises:
        StateUnreachable: The chart does not lead to the states any more.
        CommandFailed: A command failed since the call.
        OperationInterrupted: The process of a command died.
        NotFound: There is no such environment, and `gone` is false.
    """
    first: AnyEnvironment | None = None
    before: Sight | None = None
    try:
        async for sight in sights(repository, name):
            environment = sight.environment
            first = first or environment
            _require_same(repository, first, environment)
            if found := _reached(repository, before.environment if before else None, environment, wanted):
                return found
            _require_reachable(environment, wanted, gone=gone)
            _require_going_on(sight, first)
            if before is None or before.environment.state != environment.state:
                tell(Noticed(name=name, message=_seen(sight)))
            before = sight
    except NotFound:
        if gone:
            return None
        if before is None or EnvironmentState.DESTROYED not in wanted:
            raise
        # Only a destroyed environment can be purged, so that state was reached between two looks.
        seen = before.environment
        return seen.entering(enter(EnvironmentState.DESTROYED), at=seen.updated_at)
    raise AssertionError("unreachable: looks have no end")


def _seen(sight: Sight) -> str:
    idle = "" if sight.under_way or sight.holder is not None else "; no command is under way"
    return f"{sight.environment.name} is {sight.environment.condition}{idle}"


def _require_same(
    repository: EnvironmentRepository, first: AnyEnvironment, environment: AnyEnvironment
) -> None:
    """Raise NotFound for an environment that was purged, and created again under its name."""
    if environment.lineage != first.lineage:
        raise NotFound(environment.name, where_of(repository))


def _reached(
    repository: EnvironmentRepository,
    before: AnyEnvironment | None,
    environment: AnyEnvironment,
    wanted: Collection[EnvironmentState],
) -> AnyEnvironment | None:
    if environment.state.name in wanted:
        return environment
    if before is None or before.revision == environment.revision:
        return None
    # A state may have been entered and left again between two looks.
    return next(
        (
            entry.record.environment
            for entry in latest_of(
                repository, environment.name, lambda opening: opening.revision <= before.revision
            )
            if entry.revision > before.revision
            and isinstance(entry.record, TransitionRecord)
            and entry.record.environment.state.name in wanted
        ),
        None,
    )


def _require_reachable(
    environment: AnyEnvironment, wanted: Collection[EnvironmentState], *, gone: bool
) -> None:
    if gone:
        return
    subject = Subject.of(environment)
    known = {
        state
        for state, _ in breadth_first(environment.state.name.value, lambda here: _leaving(here, subject))
    }
    if known.isdisjoint(wanted):
        raise StateUnreachable(environment.name, condition=environment.condition, wanted=wanted)


def _leaving(state: str, subject: Subject) -> Iterator[tuple[str, str]]:
    for edge in edges(Lifecycle):
        if edge.source == state and _is_open(edge.guards, subject):
            yield edge.name, edge.target


def _is_open(guards: Collection[str], subject: Subject) -> bool:
    chart = Lifecycle.bound(subject)
    return all(getattr(chart, guard)(subject) for guard in guards if guard not in _PASSING)


def _require_going_on(sight: Sight, first: AnyEnvironment) -> None:
    """Raise the error of a command that ended since the first look, or whose process died."""
    environment = sight.environment
    if sight.interrupted and environment.operation is not None:
        raise OperationInterrupted(environment.name, environment.operation)
    ended = environment.revision > first.revision and not sight.under_way
    if ended and environment.is_error and environment.failure is not None:
        raise CommandFailed(environment, environment.failure)
