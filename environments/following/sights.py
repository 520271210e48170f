"""Look at an environment again each time that its record changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from environments.ports import KeepsFiles
from statechart.following.changed import TellsNames
from statechart.following.watching import EVERY, Watch
from statechart.storage.layout import Layout

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.ports import EnvironmentRepository
    from statechart.holder import Holder

_Wait: TypeAlias = Callable[[], Awaitable[object]]


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
    """Yield an environment as it is, and again after each change of its record.

    Without a change it is yielded `every` so many seconds, since a killed process changes no record.

    Raises:
        NotFound: The environment does not exist, or was purged.
        StorageError: The environment can't be read.
    """
    before: Sight | None = None
    async with _watched(repository, name, every) as wait:
        while True:
            sight = Sight(repository.load(name), repository.holder(name))
            # The command may have ended between the two reads, and then the next look shows its end.
            if not sight.interrupted or sight == before:
                yield sight
                await wait()
            before = sight


@asynccontextmanager
async def _watched(
    repository: EnvironmentRepository, name: str, every: float
) -> AsyncGenerator[_Wait, None]:
    """Yield a function that waits for a change since the last call, or for so many seconds."""
    if isinstance(repository, TellsNames) and not isinstance(repository, KeepsFiles):
        async with aclosing(repository.changed().names(every=every)) as changes:
            await anext(changes)  # all names: from here on, changes are told

            async def told() -> None:
                async for names in changes:
                    if name in names or not names:
                        return

            yield told
        return
    directory = repository.directory(name)
    layout = Layout(directory.parent)
    lock = layout.lock(name)

    def concerns(path: Path) -> bool:
        # A process that waits for the lock opens and closes its file many times a second.
        is_record = directory in (path, path.parent)
        return is_record or (path == lock and repository.holder(name) is None)

    with Watch([directory, layout.root, layout.locks], concerns) as watch:
        yield lambda: watch.changed(every)
