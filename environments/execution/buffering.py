"""A session that goes on when records can't be saved, and keeps them in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from environments.execution.sessions import SessionOver
from environments.model.records import StepRecord, check_revision
from statechart.errors import Conflict, LeaseLost, StorageError

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.records import RevisionRecord
    from environments.ports import Session

Pending: TypeAlias = "RevisionRecord | StepRecord"


class BufferingSession(SessionOver):
    """A session over another session, for emergencies such as a full disk.

    Records that can't be saved wait, and are saved in order with the next record. `unsaved` holds
    the records still waiting. A conflict or a lost lease is raised.
    """

    goes_on_unrecorded = True

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._environment = session.environment
        self.unsaved: list[Pending] = []

    @property
    def environment(self) -> AnyEnvironment:
        """The environment, with the waiting records applied."""
        return self._environment

    def commit(self, record: RevisionRecord) -> None:
        """Save a record that raises the revision, or keep the record waiting."""
        check_revision(record.environment, self._environment, behind=1)
        self._keep(record, record.environment)

    def append_step(self, record: StepRecord) -> None:
        """Save the record of a step, or keep the record waiting."""
        self._keep(record, record.applied_to(self._environment))

    def _keep(self, record: Pending, after: AnyEnvironment) -> None:
        self.unsaved.append(record)  # behind earlier records: the order of records is the history
        self._environment = after
        self.save()

    def save(self) -> None:
        """Save waiting records in order, up to the first that can't be saved."""
        while self.unsaved:
            try:
                self._save(self.unsaved[0])
            except (Conflict, LeaseLost):  # another process may be changing the environment: stop
                raise
            except StorageError:
                return
            del self.unsaved[0]

    def _save(self, record: Pending) -> None:
        if isinstance(record, StepRecord):
            self._session.append_step(record)
        else:
            self._session.commit(record)

    def close(self) -> None:
        """Save the waiting records if possible, and release the environment."""
        try:
            self.save()
        finally:
            super().close()
