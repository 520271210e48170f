"""Explaining: an error of a chart or of its store as the refusal of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statechart.answers.errors import report
from statechart.dashboard.refusals import Refused

if TYPE_CHECKING:
    from statechart.terminal.settings import Spells


def explained(error: Exception, spelling: Spells) -> Refused | None:
    """Return the refusal that an error means, or None for a fault of the program."""
    found = report(error, spelling)
    return None if found is None else Refused.of(found)
