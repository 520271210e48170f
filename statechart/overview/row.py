"""Rows: what an index needs to know of each name, and the source that the rows are read from."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, Protocol, TypeVar


class Row(Protocol):
    """The summary of a name, ready to be searched, filtered and ordered. Rows do not change."""

    @property
    def name(self) -> str:
        """The name, which is unique in an index."""
        ...

    @property
    def group(self) -> str:
        """The group that the row is counted in."""
        ...

    @property
    def rank(self) -> tuple[Any, ...]:  # Any: rows of one source compare with one another
        """The place in the order of attention; the least comes first."""
        ...

    @property
    def since(self) -> float:
        """The time since which the row is in its state, in seconds since 1970."""
        ...

    @property
    def words(self) -> str:
        """The text that a search looks in, case-folded."""
        ...

    @property
    def facets(self) -> Mapping[str, str | tuple[str, ...]]:
        """The values to filter by, such as `provider` and `label:team`; several of one facet as a tuple."""
        ...


RowT = TypeVar("RowT", bound=Row)
SourceRowT = TypeVar("SourceRowT", bound=Row, covariant=True)


class Source(Protocol[SourceRowT]):
    """A store that rows are read from. Reading takes no lock."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups in their order."""
        ...

    @property
    def watching(self) -> str:
        """How changes are noticed: `inotify`, or the reason for looking at intervals."""
        ...

    def rows(self) -> Iterable[SourceRowT]:
        """Read the rows of all names. A name that can't be read has a row that says so."""
        ...

    def row(self, name: str) -> SourceRowT | None:
        """Read the row of a name, or return None if the name does not exist."""
        ...

    def changes(self) -> AsyncGenerator[frozenset[str], None]:
        """Yield the names that may have changed; at first, all names. Purged names are yielded too."""
        ...
