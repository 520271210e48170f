"""The names of a collection that change, whichever process changes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from importlib import import_module
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

import sqlalchemy as sa

from statechart.storage.sql.errors import PASSING
from statechart.storage.sql.tables import NAMES

if TYPE_CHECKING:
    from statechart.storage.sql.reading import Names

_EVERY: Final = 1.0
"""The seconds between two looks at all names."""

_NET: Final = 30.0
"""The seconds after which all names are looked at although the version of the file is the same."""

_SHARE: Final = 20
"""Looking takes at most this part of the time."""


class Watch(Protocol):
    """Notices that something has changed in a database."""

    @property
    def watching(self) -> str:
        """How changes are noticed: a word, or `polling: ` or `away: ` and the reason."""
        ...

    async def begin(self) -> None:
        """Begin to notice changes, unless they are noticed already. If that fails, `watching` says why."""
        ...

    async def wait(self, seconds: float) -> frozenset[str] | None:
        """Wait for changes, and return the names; None if any name may have changed."""
        ...

    async def close(self) -> None:
        """Notice no more changes."""
        ...


class RowChanges:
    """The names of a collection that change, whichever process changes them, on whichever machine.

    A process that changes names tells them by notices of PostgreSQL, soon after its commits. In any case
    all names are looked at each second, or as often as their number allows: a process may die before it
    tells, and behind PgBouncer in its transaction mode no notice arrives. A file of SQLite has a version,
    which each commit changes, and which is asked instead.

    A database that is away is waited for, once it was reached.

    Args:
        names: The names of the collection.
        pause: The seconds between two looks at all names, at least.
    """

    def __init__(self, names: Names, *, pause: float = _EVERY) -> None:
        self._names = names
        self._pause = pause
        self._watching = "listen"

    @property
    def watching(self) -> str:
        """How changes are noticed: `listen`, `file`, or the reason for looking at intervals."""
        return self._watching

    async def names(self, *, every: float | None = None) -> AsyncGenerator[frozenset[str], None]:
        """Yield the names that may have changed; at first, all. Names that are gone are yielded too.

        What changes while the caller is busy is yielded together afterwards, so nothing is missed. With
        `every`, an empty set is yielded after so many seconds without a change.

        Raises:
            StorageError: The database can't be read.
        """
        looking = _Looking(self._names, self._pause)
        try:
            names = await looking.begin()
            while True:
                self._watching = looking.watching
                yield names
                quiet = inf if every is None else monotonic() + every
                while not (names := await looking.wait(quiet)) and monotonic() < quiet:
                    self._watching = looking.watching
        finally:
            await looking.close()


class _Looking:
    """Looks at the names that are told, and at all names from time to time."""

    def __init__(self, names: Names, pause: float) -> None:
        self._names = names
        self._pause = pause
        self._signs: dict[str, tuple[Any, ...]] = {}
        self._trouble: str | None = None
        self._next_sweep = 0.0
        self._watch: Watch = _watch(names)

    @property
    def watching(self) -> str:
        """How changes are noticed."""
        return self._watch.watching if self._trouble is None else f"away: {self._trouble}"

    async def begin(self) -> frozenset[str]:
        """Look at all names for the first time, and return them."""
        # Noticed before they are looked at, so that no change falls between.
        await self._watch.begin()
        return await self._sweep()

    async def wait(self, until: float) -> frozenset[str]:
        """Wait for changes, at most until a time and no longer than sensible, and return the names."""
        told = await self._watch.wait(max(0.0, min(until, self._next_sweep) - monotonic()))
        if told is not None and monotonic() < self._next_sweep:
            await self._note(told)
            return told
        try:
            await self._watch.begin()
            changed = await self._sweep()
        except PASSING as error:
            self._trouble = str(error)
            self._next_sweep = monotonic() + self._pause
            changed = frozenset()
        return changed | (told or frozenset())

    async def _note(self, told: frozenset[str]) -> None:
        """Look at names that were told, so that the next look at all does not find them again."""
        if not told:
            return
        try:
            signs = await asyncio.to_thread(self._read, NAMES.c.name.in_(told))
        except PASSING:
            return
        for name in told:
            self._signs.pop(name, None)
        self._signs |= signs

    async def _sweep(self) -> frozenset[str]:
        """Look at all names, and return those that have changed since the last look, or are gone."""
        begun = monotonic()
        signs = await asyncio.to_thread(self._read)
        changed = {name for name in signs if signs[name] != self._signs.get(name)}
        changed |= self._signs.keys() - signs.keys()
        self._signs, self._trouble = signs, None
        now = monotonic()
        is_sure = self._watch.watching == "file"
        self._next_sweep = now + (_NET if is_sure else max(self._pause, _SHARE * (now - begun)))
        return frozenset(changed)

    def _read(self, *wanted: sa.ColumnElement[bool]) -> dict[str, tuple[Any, ...]]:
        asked = sa.select(NAMES.c.name, NAMES.c.lineage, NAMES.c.hash, NAMES.c.holder)
        found = self._names.rows(asked.where(NAMES.c.collection == self._names.collection, *wanted))
        return {row[0]: tuple(row) for row in found}

    async def close(self) -> None:
        """Look no longer."""
        await self._watch.close()


def _watch(names: Names) -> Watch:
    # A database of SQLite needs no driver for PostgreSQL.
    kind = "listener" if names.database.file is None else "version"
    watch: Watch = import_module(f"statechart.storage.sql.watches.{kind}").watch(names)
    return watch
