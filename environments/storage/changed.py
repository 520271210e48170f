"""Which environments change, in any repository."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from environments.ports import KeepsFiles
from statechart.following.changed import TellsNames
from statechart.following.names import NameChanges

if TYPE_CHECKING:
    from environments.ports import EnvironmentRepository
    from statechart.following.changed import Changed

_EVERY: Final = 0.2  # seconds between two looks


def changed_of(repository: EnvironmentRepository) -> Changed:
    """Return the names that change in a repository, whichever process changes them."""
    if isinstance(repository, TellsNames):
        return repository.changed()
    if isinstance(repository, KeepsFiles):
        return NameChanges(repository.root)
    return _Looked(repository)


@dataclass(frozen=True, slots=True)
class _Looked:
    """The names of a repository that does not tell its changes: each may have changed, all the time."""

    repository: EnvironmentRepository

    @property
    def watching(self) -> str:
        """How changes are noticed."""
        return f"polling: {type(self.repository).__name__} does not tell its changes"

    async def names(self, *, every: float | None = None) -> AsyncGenerator[frozenset[str], None]:
        """Yield all names, and those that are gone since the last look."""
        before: frozenset[str] = frozenset()
        while True:
            now = frozenset(self.repository.names())
            yield now | before
            before = now
            await asyncio.sleep(_EVERY if every is None else min(every, _EVERY))
