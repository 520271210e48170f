"""Paging: a page of the rows that a query finds, with the addresses of the pages beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from statechart.dashboard.api.answering import Answer
from statechart.dashboard.api.parameters import choice, whole
from statechart.overview import SORTS, Query
from statechart.overview.query import LAST_PAGE, MOST_PER_PAGE, PER_PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statechart.dashboard.api.calls import Ask
    from statechart.dashboard.api.parameters import Parameter, Values
    from statechart.overview import Index, RowT

PAGING: Final = (
    choice(
        "sort",
        "The order: what needs a person first, the newest first, or by name.",
        SORTS,
        default="attention",
    ),
    whole("page", "The page, from 1.", default=1, lowest=1, highest=LAST_PAGE),
    whole("per_page", "The number on a page.", default=PER_PAGE, lowest=1, highest=MOST_PER_PAGE),
)
"""The parameters of every list."""


def page_of(
    index: Index[RowT],
    ask: Ask[Any],  # Any: of any desk
    parameters: Sequence[Parameter],
    facets: Mapping[str, str],
    lists: Callable[[Sequence[RowT]], Mapping[str, object]],
) -> Answer:
    """Return a page of the rows that a request wants.

    Args:
        index: The rows.
        ask: The request, with the parameters `q` and `group` among those of `PAGING`.
        parameters: The parameters of the list.
        facets: The values that each named facet has to have.
        lists: Makes the lists of the document, as the command prints them.
    """
    values = ask.values
    query = Query(
        q=values["q"] or "",
        group=values["group"],
        facets=facets,
        sort=values["sort"],
        page=values["page"],
        per_page=values["per_page"],
    )
    found = index.find(query)
    # Past the last page there is nothing: a client that counts on must come to an end.
    rows = found.rows if query.page <= found.pages else ()
    near = {"first": 1, "prev": query.page - 1, "next": query.page + 1, "last": found.pages}
    links = {
        rel: f"{ask.path}{_address(parameters, values, page)}"
        for rel, page in near.items()
        if 1 <= page <= found.pages
    }
    document = {
        **lists(rows),
        "counts": dict(found.counts),
        "total": found.total,
        "page": query.page,
        "pages": found.pages,
        "per_page": query.per_page,
        "next": links.get("next"),
        "prev": links.get("prev"),
    }
    return Answer(document, links=links)


def _address(parameters: Sequence[Parameter], values: Values, page: int) -> str:
    """Return the query of another page, with the parameters that were given."""
    given: list[tuple[str, object]] = []
    for parameter in parameters:
        value: Any = page if parameter.name == "page" else values[parameter.name]
        if parameter.is_repeated:
            given += [(parameter.name, "=".join(each)) for each in value]
        elif value != parameter.default:
            given.append((parameter.name, value))
    return f"?{urlencode(given)}" if given else ""
