"""Rendering: the lines of a list, as they were wanted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from environments.errors import UnknownLabel
from environments.presentation.listing import (
    DEFAULT_COLUMNS,
    UNREADABLE,
    counts_text,
    list_lines,
    ordered,
)
from statechart.terminal.cells import wrapped
from statechart.terminal.colours import styled

if TYPE_CHECKING:
    from environments.cli.commands.listing.gathering import Gathered
    from environments.selection import Selection


# The signs for an output in an encoding that lacks them.
_PLAINER = str.maketrans({"✓": "+", "✗": "x", "◦": ".", "…": "~", "─": "-", "▌": "|", "↑": "^", "↓": "v"})


class Wanted(NamedTuple):
    """The selection, the order and the form of a list.

    Attributes:
        selection: The environments.
        columns: The names of the columns.
        sort: The column to sort by, backwards with a `-` before its name.
        group_by: The label to group by, or None.
        typed: The keys of labels that were typed. Those of the workspace file need not exist yet.
    """

    selection: Selection
    columns: tuple[str, ...] = DEFAULT_COLUMNS
    sort: str = "name"
    group_by: str | None = None
    typed: tuple[str, ...] = ()


def rendered(found: Gathered, wanted: Wanted, width: int | None, *, in_order: bool = False) -> list[str]:
    """Return the heading and the lines of the environments, which are sorted unless they are `in_order`."""
    documents = found.documents if in_order else ordered(found.documents, wanted.sort, wanted.group_by)
    reasons = [(name, report.message) for name, report in found.unreadable]
    now = datetime.now(UTC)
    lines = list_lines(
        documents, reasons, wanted.columns, styled, now=now, width=width, group_by=wanted.group_by
    )
    return plainer(lines)


def plainer(lines: Sequence[str]) -> list[str]:
    """Return lines with plain signs, if stdout has an encoding that lacks the others."""
    try:
        "".join(map(chr, _PLAINER)).encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return [line.translate(_PLAINER) for line in lines]
    return list(lines)


def counted(found: Gathered, width: int | None) -> list[str]:
    """Return how many environments there are of each class, as lines of this width."""
    classes = [*(each["class"] for each in found.documents), *(UNREADABLE for _ in found.unreadable)]
    text = counts_text(classes, found.total) if classes else f"none of {found.total} is selected"
    return [text] if width is None else wrapped(text, width)


def check(found: Gathered, wanted: Wanted) -> None:
    """Check that the names and labels that were typed exist.

    Raises:
        NothingMatches: A pattern matches no name.
        UnknownLabel: No environment has a label to select or group by.
    """
    wanted.selection.check_names(found.names)
    if found.names and not found.unreadable:  # an unreadable environment may have the label
        for key in wanted.typed:
            if key not in found.labels:
                raise UnknownLabel(key, sorted(found.labels))
