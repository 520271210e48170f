"""The list of environments: a page of those that a query finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from environments.dashboard.api.parameters import choice, pairs, text, whole
from environments.dashboard.desk import surroundings_of
from environments.overview.row import GROUPS
from environments.presentation.documents import summary_document
from environments.presentation.error_reports import report
from environments.presentation.listing import UNREADABLE
from environments.selection import STATES
from statechart.dashboard.answering import Answer
from statechart.overview import SORTS, Query
from statechart.overview.query import LAST_PAGE, MOST_PER_PAGE, PER_PAGE
from statechart.terminal.report import ExitCode, Report

if TYPE_CHECKING:
    from environments.dashboard.api.ask import Ask
    from environments.dashboard.api.parameters import Values
    from environments.dashboard.desk import Desk
    from environments.overview.row import EnvironmentRow

PARAMETERS: Final = (
    text("q", "Words that all have to be in a line of the list, in any order.", example="team=web failed"),
    choice("group", "Only environments of this group.", GROUPS),
    choice("class", "Only environments of this class.", (*STATES, UNREADABLE)),
    pairs("label", "Only environments with this label. Repeatable.", example="team=web"),
    text("provider", "Only environments of this kind of provider.", example="local"),
    choice(
        "sort",
        "The order: what needs a person first, the newest first, or by name.",
        SORTS,
        default="attention",
    ),
    whole("page", "The page, from 1.", default=1, lowest=1, highest=LAST_PAGE),
    whole("per_page", "The environments on a page.", default=PER_PAGE, lowest=1, highest=MOST_PER_PAGE),
)
"""The parameters of the list."""


def environments(ask: Ask) -> Answer:
    """Return a page of the environments, as `list --json` prints them."""
    query = _query(ask.values)
    found = ask.desk.board.index.find(query)
    # Past the last page there is nothing: a client that counts on must come to an end.
    rows = found.rows if query.page <= found.pages else ()
    near = {"first": 1, "prev": query.page - 1, "next": query.page + 1, "last": found.pages}
    links = {
        rel: f"{ask.path}{_address(ask.values, page)}"
        for rel, page in near.items()
        if 1 <= page <= found.pages
    }
    document = {
        "environments": [_line(ask.desk, row) for row in rows if row.summary is not None],
        "unreadable": [_unreadable(ask.desk, row) for row in rows if row.error is not None],
        "counts": dict(found.counts),
        "total": found.total,
        "page": query.page,
        "pages": found.pages,
        "per_page": query.per_page,
        "next": links.get("next"),
        "prev": links.get("prev"),
    }
    return Answer(document, links=links)


def _query(values: Values) -> Query:
    facets = {f"label:{key}": value for key, value in values["label"]}
    facets |= {facet: values[facet] for facet in ("class", "provider") if values[facet] is not None}
    return Query(
        q=values["q"] or "",
        group=values["group"],
        facets=facets,
        sort=values["sort"],
        page=values["page"],
        per_page=values["per_page"],
    )


def _address(values: Values, page: int) -> str:
    """Return the query of another page, with the parameters that were given."""
    given: list[tuple[str, object]] = []
    for parameter in PARAMETERS:
        value: Any = page if parameter.name == "page" else values[parameter.name]
        if parameter.is_repeated:
            given += [(parameter.name, "=".join(each)) for each in value]
        elif value != parameter.default:
            given.append((parameter.name, value))
    return f"?{urlencode(given)}" if given else ""


def _line(desk: Desk, row: EnvironmentRow) -> dict[str, Any]:  # Any: JSON
    assert row.summary is not None
    return summary_document(row.summary, desk.spell, held=row.held)


def _unreadable(desk: Desk, row: EnvironmentRow) -> dict[str, Any]:  # Any: JSON
    assert row.error is not None
    told = report(row.error, surroundings_of(desk))
    told = told or Report(ExitCode.STORAGE, "unreadable", str(row.error))
    return {"name": row.name, **told.document()}
