"""The methods of a workspace that move environments to another store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.execution.runtime import name_of
from environments.storage.moving import Move
from environments.storage.opening import opened
from environments.storage.stored import StoredRepository
from environments.verbs.opened import Opened

if TYPE_CHECKING:
    from pathlib import Path

    from environments.model.environment import AnyEnvironment
    from statechart.storage.moving.move import Moved


class Moving(Opened):
    """Moves environments between data directories and databases."""

    def move(
        self, environment: AnyEnvironment | str, to: str | Path | StoredRepository, *, keep: bool = True
    ) -> Moved:
        """Move an environment to another store: history, traces, provider's state and copies of files.

        The history is the same, byte for byte. A move that was cut off is finished by the next. At no
        time do both stores have the environment.

        Args:
            environment: An environment or its name.
            to: The other store: a data directory, the URL of a database, or a repository.
            keep: Keep the history here, where no command finds it.

        Raises:
            CannotMove: The environment is bound to its machine, or to its directory.
            CannotPack: Files that have to come along can't be read, or are too large.
            FilesLost: A recorded copy of files is missing or altered.
            OperationInterrupted: A command died in the middle of its work.
            MovedAway: The environment was moved already.
            AlreadyExists: The other store has another of this name.
            Locked: Somebody holds the environment.
            StorageError: A store can't be read or written; try again.
        """
        return self.moving(to).carry_out(name_of(environment), keep=keep)

    def moving(self, to: str | Path | StoredRepository) -> Move:
        """Return a move to another store, to plan it, or to carry it out for several environments."""
        source = self._repository
        if not isinstance(source, StoredRepository):
            raise TypeError(f"environments can't be moved out of a {type(source).__name__}")
        target = to if isinstance(to, StoredRepository) else opened(to, providers=source.own_providers)
        return Move(source, target)
