"""Open an environment for changing, waiting for another holder."""

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

_POLL = 0.005  # short: most holders only read and write a record


async def open_session(
    repository: EnvironmentRepository,
    name: str,
    holder: Holder,
    timeout: float = 0.0,
    *,
    observers: Sequence[Observer] = (),
) -> Session:
    """Open an environment for changing, waiting without blocking other tasks.

    Observers are notified of the holder when the wait begins.

    Raises:
        Locked: Another holder still has the environment after `timeout` seconds. The exception
            names the holder's current step.
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
    """Do work that needs a lock, retrying until the lock is free, without blocking other tasks.

    `wait` is called once, when the wait begins.

    Raises:
        Locked: Another holder still has the lock after `timeout` seconds.
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
    """Describe the current step of the running command, if it is recorded."""
    try:
        operation = repository.load(name).operation
    except StorageError:  # the lock error is worth more than its details
        return None
    if operation is None or not operation.is_active:
        return None
    step = operation.step
    if step is None:
        return "between two steps"
    return f"at step {step.number}/{step.of} {step.name} since {step.started_at:%H:%M:%SZ}"
