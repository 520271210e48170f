"""A provider's own state, carried with the record of an environment from machine to machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from environments.execution.sessions import carrying, loses_nothing
from environments.ports import CarriesState
from statechart.errors import LeaseLost, StorageError

if TYPE_CHECKING:
    from environments.ports import CarryingSession, EnvironmentRepository, Session


@dataclass(frozen=True, slots=True)
class Carrier:
    """The state of one environment in its repository, with the session that may store versions.

    Attributes:
        repository: The repository.
        name: The environment.
        session: The session that holds the environment; None for a look without a session.
        must: Whether a version has to be stored; if not, one that can't be stored is left out.
    """

    repository: CarriesState
    name: str
    session: CarryingSession | None = None
    must: bool = True

    @property
    def held(self) -> bool:
        """Whether versions may be stored."""
        return self.session is not None

    def latest(self) -> bytes | None:
        """Return the last version, or None if none was stored."""
        try:
            state = self.repository.carried_state(self.name)
        except StorageError:
            if self.must:
                raise
            return None
        return None if state is None else state.content

    def carry(self, content: bytes) -> None:
        """Store a version."""
        assert self.session is not None, "only the holder of an environment stores versions"
        try:
            self.session.carry_state(content)
        except LeaseLost:
            raise
        except StorageError:
            if self.must:
                raise


def carrier_of(
    repository: EnvironmentRepository, name: str, session: Session | None = None
) -> Carrier | None:
    """Return the carrier of an environment's state, or None if its directory stays beside the record."""
    if not isinstance(repository, CarriesState):
        return None
    if session is None:
        return Carrier(repository, name)
    return Carrier(repository, name, carrying(session), loses_nothing(session))
