"""Open an environment for changing, waiting for another holder; sessions over other sessions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from environments.execution.progress import Noticed, Transitioned, notify
from environments.model.records import TransitionRecord
from environments.ports import CarryingSession, poll_of
from statechart.errors import Locked, StorageError
from statechart.following.patience import patiently

if TYPE_CHECKING:
    from types import TracebackType

    from environments.execution.progress import Observer
    from environments.model.environment import AnyEnvironment
    from environments.model.records import HistoryEntry, RevisionRecord, StepRecord
    from environments.ports import EnvironmentRepository, Session
    from statechart.holder import Holder


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
        return await patiently(
            lambda: repository.open(name, holder), timeout, wait, poll=poll_of(repository)
        )
    except Locked as locked:
        raise explain(locked) from locked.__cause__


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


class SessionOver:
    """A session that does everything through another session.

    Attributes:
        goes_on_unrecorded: Whether commands go on when something can't be saved.
    """

    goes_on_unrecorded = False

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def environment(self) -> AnyEnvironment:
        """The environment as recorded."""
        return self._session.environment

    @property
    def loss(self) -> str:
        """The reason for which a store ends the work, in a sentence; empty as long as it may go on."""
        return self._session.loss if isinstance(self._session, SessionOver) else ""

    @property
    def crashed(self) -> Holder | None:
        """The last holder, if that process ended without releasing the environment."""
        return self._session.crashed

    @property
    def released_by(self) -> Holder | None:
        """The last holder, if that process released the environment in order."""
        return self._session.released_by

    @property
    def notes(self) -> Sequence[str]:
        """Repairs made on opening, in words."""
        return self._session.notes

    def commit(self, record: RevisionRecord) -> HistoryEntry | None:
        """Save a record that raises the revision."""
        return self._session.commit(record)

    def append_step(self, record: StepRecord) -> None:
        """Save the record of a step."""
        self._session.append_step(record)

    def check(self) -> None:
        """Raise LeaseLost if the environment is no longer held."""
        self._session.check()

    def write_trace(self, name: str, text: str) -> str:
        """Store the trace of a failure, and return its path relative to the environment's directory."""
        return self._session.write_trace(name, text)

    def tell(self) -> None:
        """Tell the observers of the transitions that were saved and not told yet."""
        if isinstance(self._session, SessionOver):
            self._session.tell()

    def close(self) -> None:
        """Release the environment."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def loss_of(session: Session) -> str:
    """Return the reason for which a store ends the work of a session; empty as long as it may go on."""
    return session.loss if isinstance(session, SessionOver) else ""


def loses_nothing(session: Session) -> bool:
    """Return whether a record that can't be saved ends the command, as it has to but in emergencies."""
    return not (isinstance(session, SessionOver) and session.goes_on_unrecorded)


def carrying(session: Session) -> CarryingSession | None:
    """Return the innermost session if it stores versions of a provider's state, or None."""
    while isinstance(session, SessionOver):
        session = session._session
    return session if isinstance(session, CarryingSession) else None


def tell_transitions(session: Session) -> None:
    """Tell the observers of the transitions that were saved, instead of at the end of the session."""
    if isinstance(session, SessionOver):
        session.tell()


class ObservedSession(SessionOver):
    """A session that tells observers of each transition after it is saved."""

    def __init__(self, session: Session, observers: Sequence[Observer]) -> None:
        super().__init__(session)
        self._observers = observers
        self._untold: list[Transitioned] = []

    def commit(self, record: RevisionRecord) -> HistoryEntry | None:
        """Save a record that raises the revision; `tell` tells of a transition."""
        operation = record.environment.operation or self._session.environment.operation
        entry = self._session.commit(record)
        # Not told here: the chart is in the middle of the transition, and observers are outside of it.
        if entry is not None and isinstance(record, TransitionRecord):
            command = operation.command if operation is not None else None
            self._untold.append(Transitioned(name=record.environment.name, command=command, entry=entry))
        return entry

    def tell(self) -> None:
        """Tell the observers of the transitions that were saved and not told yet."""
        untold, self._untold = self._untold, []
        for transitioned in untold:
            notify(self._observers, transitioned)

    def close(self) -> None:
        """Release the environment, and tell the rest."""
        super().close()
        self.tell()
