"""An index: the rows of a source in memory, searched and ordered in milliseconds."""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any, Final, Generic

from statechart.overview.query import Query
from statechart.overview.row import Row, RowT, Source

MOST_VALUES: Final = 100
"""The values of a facet that are counted, the most frequent first: each name may have its own value."""

_SPARE: Final = 1000
"""The combinations of facets that no row has any more, and that are kept at most beside those in use."""

_KEYS: Mapping[str, Callable[[Row], Any]] = {  # Any: what the rows are compared by
    "attention": lambda row: (row.rank, -row.since, row.name),
    "since": lambda row: (-row.since, row.name),
    "name": lambda row: row.name,
}

_NAME: Final = attrgetter("name")


@dataclass(frozen=True, slots=True)
class Found(Generic[RowT]):
    """A page of the rows that a query wants.

    Attributes:
        rows: The rows of the page.
        total: The number of rows on all pages.
        page: The number of the page, at most `pages`.
        pages: The number of pages, at least 1.
        counts: The rows by group that the rest of the query wants, in the order of the groups.
        facets: The values of each facet with the rows that have them, the most frequent first. Values
            of a facet that is filtered by are counted as if it was not.
        query: The query with the number of the page.
    """

    rows: Sequence[RowT]
    total: int
    page: int
    pages: int
    counts: Mapping[str, int]
    facets: Mapping[str, Mapping[str, int]]
    query: Query


class _Kinds:
    """Numbers for the combinations of facets, which many rows share: numbers are counted fast."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[tuple[str, str | tuple[str, ...]], ...], int] = {}
        self._facets: list[tuple[tuple[str, str | tuple[str, ...]], ...]] = []

    def __len__(self) -> int:
        return len(self._facets)

    def of(self, row: Row) -> int:
        """Return the number of the facets of a row."""
        facets = tuple(row.facets.items())
        if facets not in self._numbers:
            self._numbers[facets] = len(self._facets)
            self._facets.append(facets)
        return self._numbers[facets]

    def values(self, numbers: Iterable[int]) -> dict[str, dict[str, int]]:
        """Return how many rows have each value of each facet, the most frequent values first."""
        found: dict[str, Counter[str]] = {}
        for kind, number in Counter(numbers).items():
            for facet, value in self._facets[kind]:
                for each in (value,) if isinstance(value, str) else value:
                    found.setdefault(facet, Counter())[each] += number
        return {facet: _most_frequent(values) for facet, values in sorted(found.items())}


@dataclass(slots=True)
class _Rows(Generic[RowT]):
    """The rows at a moment, which are replaced as a whole: readers need no lock."""

    by_name: dict[str, RowT]
    ordered: dict[str, list[RowT]]
    counts: dict[str, int]
    kinds: _Kinds
    kind_of: dict[str, int]
    facets: dict[str, dict[str, int]] | None = field(default=None)


class Index(Generic[RowT]):
    """The rows of a source. `read` and `refresh` may run in a thread while others are read.

    Args:
        source: Where the rows are read from.
    """

    def __init__(self, source: Source[RowT]) -> None:
        self._source = source
        self._changing = threading.Lock()
        self._rows: _Rows[RowT] = self._made({})

    @property
    def counts(self) -> dict[str, int]:
        """The number of rows in each group, in the order of the groups."""
        return dict(self._rows.counts)

    @property
    def total(self) -> int:
        """The number of rows."""
        return len(self._rows.by_name)

    @property
    def rows(self) -> Sequence[RowT]:
        """All rows, by attention."""
        return tuple(self._rows.ordered["attention"])

    def get(self, name: str) -> RowT | None:
        """Return the row of a name, or None."""
        return self._rows.by_name.get(name)

    def read(self) -> None:
        """Read the rows of all names."""
        with self._changing:
            self._rows = self._made({row.name: row for row in self._source.rows()})

    def refresh(self, names: Iterable[str]) -> dict[str, RowT | None]:
        """Read the rows of some names again, and return them; None for a name that does not exist."""
        with self._changing:
            new = {name: self._source.row(name) for name in names}
            before = self._rows
            by_name = dict(before.by_name)
            ordered = {sort: list(rows) for sort, rows in before.ordered.items()}
            counts, kinds, kind_of = dict(before.counts), before.kinds, dict(before.kind_of)
            for name, row in new.items():
                if (old := by_name.pop(name, None)) is not None:
                    counts[old.group] -= 1
                    del kind_of[name]
                    for sort, key in _KEYS.items():
                        del ordered[sort][bisect_left(ordered[sort], key(old), key=key)]
                if row is not None:
                    by_name[name], kind_of[name] = row, kinds.of(row)
                    counts[row.group] = counts.get(row.group, 0) + 1
                    for sort, key in _KEYS.items():
                        insort(ordered[sort], row, key=key)
            is_worn = len(kinds) > len(by_name) + _SPARE
            self._rows = self._made(by_name) if is_worn else _Rows(by_name, ordered, counts, kinds, kind_of)
        return new

    def find(self, query: Query) -> Found[RowT]:
        """Return a page of the rows that a query wants."""
        rows = self._rows
        meant = _searched(rows.ordered[query.sort], query.words)
        picked = _filtered(meant, query.facets)
        wanted = picked if query.group is None else [row for row in picked if row.group == query.group]
        pages = max(1, -(-len(wanted) // query.per_page))
        page = min(max(1, query.page), pages)
        begin = (page - 1) * query.per_page
        return Found(
            rows=wanted[begin : begin + query.per_page],
            total=len(wanted),
            page=page,
            pages=pages,
            counts=rows.counts if picked is rows.ordered[query.sort] else self._counted(picked),
            facets=self._facets(rows, meant, wanted, query),
            query=replace(query, page=page),
        )

    def _counted(self, rows: Iterable[RowT]) -> dict[str, int]:
        return {**dict.fromkeys(self._source.groups, 0), **Counter(row.group for row in rows)}

    def _made(self, by_name: dict[str, RowT]) -> _Rows[RowT]:
        ordered = {sort: sorted(by_name.values(), key=key) for sort, key in _KEYS.items()}
        kinds = _Kinds()
        kind_of = {name: kinds.of(row) for name, row in by_name.items()}
        return _Rows(by_name, ordered, self._counted(by_name.values()), kinds, kind_of)

    def _facets(
        self, rows: _Rows[RowT], meant: Sequence[RowT], wanted: Sequence[RowT], query: Query
    ) -> dict[str, dict[str, int]]:
        if rows.facets is None:
            rows.facets = rows.kinds.values(rows.kind_of.values())
        if not query.is_filtered:
            return rows.facets
        found = _values(rows, wanted)
        for facet in query.facets:
            others = {key: value for key, value in query.facets.items() if key != facet}
            near = [row for row in _filtered(meant, others) if query.group in (None, row.group)]
            values = rows.facets if len(near) == len(rows.by_name) else _values(rows, near)
            found[facet] = values.get(facet, {})
        return dict(sorted(found.items()))


def _values(rows: _Rows[RowT], wanted: Iterable[RowT]) -> dict[str, dict[str, int]]:
    return rows.kinds.values(map(rows.kind_of.__getitem__, map(_NAME, wanted)))


def _searched(rows: Sequence[RowT], words: Sequence[str]) -> Sequence[RowT]:
    for word in words:
        rows = [row for row in rows if word in row.words]
    return rows


def _filtered(rows: Sequence[RowT], facets: Mapping[str, str]) -> Sequence[RowT]:
    for facet, value in facets.items():
        rows = [row for row in rows if _has(row.facets.get(facet), value)]
    return rows


def _has(found: str | tuple[str, ...] | None, value: str) -> bool:
    return found == value if isinstance(found, str) else found is not None and value in found


def _most_frequent(values: Counter[str]) -> dict[str, int]:
    ordered = sorted(values.items(), key=lambda each: (-each[1], each[0]))
    return dict(ordered[:MOST_VALUES])
