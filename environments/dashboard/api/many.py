"""The list of environments: a page of those that a query finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from environments.dashboard.desk import surroundings_of
from environments.overview.row import GROUPS
from environments.presentation.documents import summary_document
from environments.presentation.error_reports import report
from environments.presentation.listing import UNREADABLE
from environments.selection import STATES
from statechart.dashboard.api.paging import PAGING, page_of
from statechart.dashboard.api.parameters import choice, pairs, text
from statechart.terminal.report import ExitCode, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from environments.dashboard.desk import Desk
    from environments.overview.row import EnvironmentRow
    from statechart.dashboard.api.answering import Answer
    from statechart.dashboard.api.calls import Ask

PARAMETERS: Final = (
    text("q", "Words that all have to be in a line of the list, in any order.", example="team=web failed"),
    choice("group", "Only environments of this group.", GROUPS),
    choice("class", "Only environments of this class.", (*STATES, UNREADABLE)),
    pairs("label", "Only environments with this label. Repeatable.", example="team=web"),
    text("provider", "Only environments of this kind of provider.", example="local"),
    *PAGING,
)
"""The parameters of the list."""


def environments(ask: Ask[Desk]) -> Answer:
    """Return a page of the environments, as `list --json` prints them."""
    desk = ask.desk

    def lists(rows: Sequence[EnvironmentRow]) -> dict[str, object]:
        return {
            "environments": [_line(desk, row) for row in rows if row.summary is not None],
            "unreadable": [_unreadable(desk, row) for row in rows if row.error is not None],
        }

    facets = {f"label:{key}": value for key, value in ask.values["label"]}
    facets |= {key: ask.values[key] for key in ("class", "provider") if ask.values[key] is not None}
    return page_of(desk.board.index, ask, PARAMETERS, facets, lists)


def _line(desk: Desk, row: EnvironmentRow) -> dict[str, Any]:  # Any: JSON
    assert row.summary is not None
    return summary_document(row.summary, desk.spell, held=row.held)


def _unreadable(desk: Desk, row: EnvironmentRow) -> dict[str, Any]:  # Any: JSON
    assert row.error is not None
    told = report(row.error, surroundings_of(desk))
    told = told or Report(ExitCode.STORAGE, "unreadable", str(row.error))
    return {"name": row.name, **told.document()}
