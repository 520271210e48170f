"""The fleet: its workers, and what was asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.fleet.wishes import LATEST
from statechart.dashboard.api.answering import Answer

if TYPE_CHECKING:
    from environments.dashboard.desk import Desk
    from statechart.dashboard.api.calls import Ask


def workers(ask: Ask[Desk]) -> Answer:
    """Return the workers, as `fleet workers --json` prints them; none in a store without a fleet."""
    fleet = ask.desk.fleet
    return Answer({"workers": [] if fleet is None else [each.document() for each in fleet.workers()]})


def wishes(ask: Ask[Desk]) -> Answer:
    """Return the last wishes, as `fleet list --json` prints them; none in a store without a fleet."""
    fleet = ask.desk.fleet
    found = [] if fleet is None else fleet.list(limit=LATEST)
    return Answer({"wishes": [each.document() for each in found]})
