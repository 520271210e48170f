"""Rows and a source for the tests of an index."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field

GROUPS = ("failed", "idle", "running")


@dataclass(frozen=True, slots=True)
class Made:
    """A row that a test makes."""

    name: str
    group: str = "idle"
    since: float = 0.0
    facets: Mapping[str, str] = field(default_factory=dict)

    @property
    def rank(self) -> tuple[int]:
        return (GROUPS.index(self.group),)

    @property
    def words(self) -> str:
        return " ".join((self.name, self.group, *self.facets.values())).casefold()


@dataclass
class Shelf:
    """A source in memory."""

    kept: dict[str, Made] = field(default_factory=dict)
    groups: tuple[str, ...] = GROUPS
    watching: str = "inotify"

    def put(self, *rows: Made) -> None:
        self.kept.update((row.name, row) for row in rows)

    def rows(self) -> Iterable[Made]:
        return list(self.kept.values())

    def row(self, name: str) -> Made | None:
        return self.kept.get(name)

    async def changes(self) -> AsyncIterator[frozenset[str]]:
        yield frozenset(self.kept)
