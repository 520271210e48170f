"""Unsaved: a session that goes on when its records can't be saved, and keeps them in order."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from environments.model.records import StepRecord, check_revision
from statechart.errors import Conflict, LeaseLost, StorageError

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.records import RevisionRecord
    from environments.ports import Session
    from statechart.holder import Holder

Pending: TypeAlias = "RevisionRecord | StepRecord"


class BufferingSession:
    """A Session over another one, for an emergency: what can't be saved waits, and the work goes on.

    Waiting records are saved, in order, at the next chance. What was never saved by the end is in
    `unsaved`. Losing the lease, or a conflict, is no emergency: it is raised as ever.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._environment = session.environment
        self.unsaved: list[Pending] = []

    @property
    def environment(self) -> AnyEnvironment:
        """The environment with what waits to be saved."""
        return self._environment

    @property
    def crashed(self) -> Holder | None:
        """The last holder, if it ended without releasing the environment."""
        return self._session.crashed

    @property
    def released_by(self) -> Holder | None:
        """The last holder, if it let go of the environment in order."""
        return self._session.released_by

    @property
    def notes(self) -> Sequence[str]:
        """What was found damaged on opening, and mended."""
        return self._session.notes

    def commit(self, record: RevisionRecord) -> None:
        """Save a record that raises the revision, or let it wait."""
        check_revision(record.environment, self._environment, behind=1)
        self._keep(record, record.environment)

    def append_step(self, record: StepRecord) -> None:
        """Save a step's record, or let it wait."""
        self._keep(record, record.applied_to(self._environment))

    def _keep(self, record: Pending, after: AnyEnvironment) -> None:
        self.unsaved.append(record)
        self._environment = after
        self.save()

    def save(self) -> None:
        """Save what waits, as far as that goes."""
        while self.unsaved:
            try:
                self._save(self.unsaved[0])
            except (Conflict, LeaseLost):
                raise
            except StorageError:
                return
            del self.unsaved[0]

    def _save(self, record: Pending) -> None:
        if isinstance(record, StepRecord):
            self._session.append_step(record)
        else:
            self._session.commit(record)

    def check(self) -> None:
        """Raise LeaseLost if the environment is not held any more."""
        self._session.check()

    def write_trace(self, name: str, text: str) -> str:
        """Keep a failure's trace."""
        return self._session.write_trace(name, text)

    def close(self) -> None:
        """Save what still can be saved, and let others in."""
        try:
            self.save()
        finally:
            self._session.close()

    def __enter__(self) -> BufferingSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
