"""Waiting: an environment opened for changing, as soon as whoever holds it lets go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from environments.execution.progress import Noticed, notify
from environments.system.waiting import retry
from statechart.errors import Locked, StorageError

if TYPE_CHECKING:
    from environments.execution.progress import Observer
    from environments.ports import EnvironmentRepository, Session
    from statechart.holder import Holder

ResultT = TypeVar("ResultT")

_POLL = 0.005


async def open_session(
    repository: EnvironmentRepository,
    name: str,
    holder: Holder,
    timeout: float = 0.0,
    *,
    observers: Sequence[Observer] = (),
) -> Session:
    """Open an environment for changing, waiting without blocking other tasks.

    Observers are told what is waited for.

    Raises:
        Locked: Another holder still has it after `timeout` seconds; it says at what step that one is.
    """

    def explain(locked: Locked) -> Locked:
        return Locked(name, locked.holder, _doing(repository, name))

    def wait(locked: Locked) -> None:
        message = f"waiting up to {timeout:g} s: {explain(locked)}"
        notify(observers, Noticed(name=name, message=message))

    try:
        return await patiently(lambda: repository.open(name, holder), timeout, wait)
    except Locked as locked:
        raise explain(locked) from locked.__cause__


async def patiently(
    work: Callable[[], ResultT], timeout: float, wait: Callable[[Locked], None] = lambda _locked: None
) -> ResultT:
    """Do what needs a lock, trying again until it is free, without blocking other tasks.

    `wait` is told once, when the waiting begins.

    Raises:
        Locked: Another holder still has it after `timeout` seconds.
    """
    told = False

    def tell(locked: Locked) -> None:
        nonlocal told
        if not told:
            wait(locked)
        told = True

    async def attempt() -> ResultT:
        return work()

    return await retry(attempt, on=Locked, within=timeout, every=_POLL, before_retry=tell)


def _doing(repository: EnvironmentRepository, name: str) -> str | None:
    """Say what the command under way is at, as far as its record tells."""
    try:
        operation = repository.load(name).operation
    except StorageError:
        return None
    if operation is None or not operation.is_active:
        return None
    step = operation.step
    if step is None:
        return "between two steps"
    return f"at step {step.number}/{step.of} {step.name} since {step.started_at:%H:%M:%SZ}"
