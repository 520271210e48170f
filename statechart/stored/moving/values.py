"""Values of a chart that move to another store, with their whole histories."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from statechart.errors import AlreadyExists, Locked, StorageError
from statechart.holder import Holder
from statechart.storage.moving.move import Moved, harbour_of, move, unfinished

if TYPE_CHECKING:
    from statechart.stored.store import Opened


@dataclass(frozen=True, slots=True)
class ValuesMove:
    """A move of values between two stores.

    Attributes:
        source: The store that has them.
        target: The store that gets them.
        timeout: The seconds to wait for another holder of a name.
    """

    source: Opened[Any]
    target: Opened[Any]
    timeout: float = 0

    @property
    def where(self) -> str:
        """The place that the values get to, as messages name it."""
        return harbour_of(self.target.store).where

    def require_other(self) -> None:
        """Check that the two stores are not the same, nor collections of the same database.

        Raises:
            StorageError: They are.
        """
        if harbour_of(self.source.store).where == self.where:
            raise StorageError(f"{self.where} is the store that the values are in already")
        database = getattr(self.source.store, "database", None)
        if database is not None and getattr(self.target.store, "database", None) is database:
            raise StorageError(
                f"{self.where} is a collection of the same database, which keeps each history once: "
                "values can't be moved between collections"
            )

    def unfinished(self) -> list[str]:
        """Return the names that left the source and did not arrive, since a move was cut off."""
        return unfinished(harbour_of(self.source.store), harbour_of(self.target.store))

    def check(self, name: str) -> bool:
        """Check that a value can be moved, and return whether an earlier move would be finished.

        Raises:
            NotFound: The source does not have it.
            MovedAway: It was moved already.
            Locked: Another holder has the name.
            AlreadyExists: The target has another of this name.
            StorageError: The value can't be read.
        """
        if not self.source.store.exists(name) and name in self.unfinished():
            return True
        self.source.store.load(name)
        if not self.timeout and (holder := self.source.store.holder(name)) is not None:
            raise Locked(name, holder)
        if self.target.store.exists(name):
            raise AlreadyExists(name, self.where)
        return False

    def carry_out(self, name: str, *, keep: bool = True) -> Moved:
        """Move a value, or finish an earlier move; see `ChartRepository.move`."""
        self.require_other()
        with ExitStack() as kept:
            return move(
                name,
                harbour_of(self.source.store),
                harbour_of(self.target.store),
                known=self.source.store.schema_version,
                keep=keep,
                timeout=self.timeout,
                beside=lambda _departure, _history: self._keep_runs_out(name, kept),
            )

    def _keep_runs_out(self, name: str, kept: ExitStack) -> None:
        """Keep runs of the effects of a name out: the outcome of one could not be recorded afterwards.

        Called while the name is held: nothing can become due after the look.
        """
        if self.source.outbox.of(name).effects:
            lock = self.source.outbox.lock(name)
            lock.acquire(Holder.current("move"))
            kept.callback(lock.release)
