"""A provider's own state, carried with the record of an environment from machine to machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from environments.execution.sessions import carrying
from environments.ports import CarriesState

if TYPE_CHECKING:
    from environments.ports import CarryingSession, EnvironmentRepository, Session


@dataclass(frozen=True, slots=True)
class Carrier:
    """The state of one environment in its repository, with the session that may store versions.

    Attributes:
        repository: The repository.
        name: The environment.
        session: The session that holds the environment; None for a look without a session.
    """

    repository: CarriesState
    name: str
    session: CarryingSession | None = None

    @property
    def held(self) -> bool:
        """Whether versions may be stored."""
        return self.session is not None

    def latest(self) -> bytes | None:
        """Return the last version, or None if none was stored."""
        state = self.repository.carried_state(self.name)
        return None if state is None else state.content

    def carry(self, content: bytes) -> None:
        """Store a version."""
        assert self.session is not None, "only the holder of an environment stores versions"
        self.session.carry_state(content)


def carrier_of(
    repository: EnvironmentRepository, name: str, session: Session | None = None
) -> Carrier | None:
    """Return the carrier of an environment's state, or None if its directory stays beside the record."""
    if not isinstance(repository, CarriesState):
        return None
    return Carrier(repository, name, None if session is None else carrying(session))
