"""Queries: what is searched, filtered and ordered, as a URL says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlencode

Sort: TypeAlias = Literal["attention", "since", "name"]

SORTS: Final[tuple[Sort, ...]] = ("attention", "since", "name")
PER_PAGE: Final = 100
MOST_PER_PAGE: Final = 1000
LAST_PAGE: Final = 1_000_000

_LONGEST = 200  # characters of a value: longer ones come from no person
_MOST_FACETS = 10
_DIGITS = 7
_OWN = ("q", "group", "sort", "page", "per_page")


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows are wanted, in which order, and which page of them.

    Attributes:
        q: Words that all have to be in a row.
        group: The group, or None for all.
        facets: The value that each named facet has to have.
        sort: The order: `attention` (the rows that need a person come first), `since` (the newest come
            first) or `name`.
        page: The page, from 1.
        per_page: The rows on a page.
    """

    q: str = ""
    group: str | None = None
    facets: Mapping[str, str] = field(default_factory=dict)
    sort: Sort = "attention"
    page: int = 1
    per_page: int = PER_PAGE

    @classmethod
    def read(cls, params: Mapping[str, str]) -> Query:
        """Read the query of a URL. Values that make no sense are corrected.

        Parameters that are not fields of a query are facets, as in `?provider=local&label:team=web`.
        """
        own = {key: _cleaned(params.get(key, "")) for key in _OWN}
        sorts: dict[str, Sort] = {sort: sort for sort in SORTS}
        facets = {_cleaned(key): _cleaned(value) for key, value in params.items() if key not in _OWN}
        chosen = [(key, value) for key, value in facets.items() if key and value]
        return cls(
            q=" ".join(own["q"].split()),
            group=own["group"] if own["group"] not in ("", "all") else None,
            facets=dict(chosen[:_MOST_FACETS]),
            sort=sorts.get(own["sort"], "attention"),
            page=_number(own["page"], 1, LAST_PAGE),
            per_page=_number(own["per_page"], PER_PAGE, MOST_PER_PAGE),
        )

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the search, case-folded."""
        return tuple(self.q.casefold().split())

    @property
    def is_filtered(self) -> bool:
        """Whether rows are left out."""
        return bool(self.q or self.group or self.facets)

    def url(self, **changes: Any) -> str:  # Any: the values of the fields
        """Return the query with some fields changed, as in `?q=web&page=2`; the default is empty.

        A change of anything but the page begins with the first page again.
        """
        if "page" not in changes:
            changes["page"] = 1 if changes else self.page
        changed = replace(self, **changes)
        fields = [(key, getattr(changed, key)) for key in _OWN]
        told = [(key, value) for key, value in fields if value not in (None, getattr(_DEFAULT, key))]
        pairs = [*told[:2], *changed.facets.items(), *told[2:]] if changed.facets else told
        return f"?{urlencode(pairs, safe=':')}" if pairs else ""

    def url_with(self, facet: str, value: str | None) -> str:
        """Return the query with another value of a facet, or without that facet."""
        others = {key: each for key, each in self.facets.items() if key != facet}
        return self.url(facets=others if value is None else {**others, facet: value})


def _cleaned(text: str) -> str:
    return "".join(each for each in text[:_LONGEST] if each.isprintable()).strip()


def _number(text: str, default: int, highest: int) -> int:
    # Only ASCII digits: `int` reads "1_000" as well, and thousands of digits take long.
    if not (text.isascii() and text.isdigit()):
        return default
    digits = text.lstrip("0")[: _DIGITS + 1] or "0"
    return min(max(1, int(digits)), highest)


_DEFAULT = Query()
