"""Look at an environment again each time that its files change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from statechart.following.watching import EVERY, Watch
from statechart.storage.layout import Layout

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.ports import EnvironmentRepository
    from statechart.holder import Holder


@dataclass(frozen=True, slots=True)
class Sight:
    """An environment at a moment, with the process that works on it."""

    environment: AnyEnvironment
    holder: Holder | None

    @property
    def under_way(self) -> bool:
        """Whether a command is under way."""
        return self._is_open and self.holder is not None

    @property
    def interrupted(self) -> bool:
        """Whether a command was begun, and its process is gone."""
        return self._is_open and self.holder is None

    @property
    def _is_open(self) -> bool:
        operation = self.environment.operation
        return operation is not None and operation.is_active


async def sights(
    repository: EnvironmentRepository, name: str, *, every: float = EVERY
) -> AsyncIterator[Sight]:
    """Yield an environment as it is, and again after each change of its files.

    Without a change it is yielded `every` so many seconds, since a killed process changes no file.

    Raises:
        NotFound: The environment does not exist, or was purged.
        StorageError: The environment can't be read.
    """
    directory = repository.directory(name)
    before: Sight | None = None
    layout = Layout(directory.parent)
    lock = layout.lock(name)

    def concerns(path: Path) -> bool:
        # A process that waits for the lock opens and closes its file many times a second.
        is_record = directory in (path, path.parent)
        return is_record or (path == lock and repository.holder(name) is None)

    with Watch([directory, layout.root, layout.locks], concerns) as watch:
        while True:
            sight = Sight(repository.load(name), repository.holder(name))
            # The command may have ended between the two reads, and then the next look shows its end.
            if not sight.interrupted or sight == before:
                yield sight
                await watch.changed(every)
            before = sight
