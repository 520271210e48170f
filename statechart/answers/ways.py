"""Ways: the events of a chart, seen from a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statechart.configuration import Configuration
from statechart.engine.keywords import Keyword, keywords_of
from statechart.graph import outcomes
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.stored.session import Allowed


_FEW = 2  # refused events with one reason that have a row each


@dataclass(frozen=True, slots=True)
class Ways:
    """The events of a chart, seen from a value.

    Attributes:
        events: The allowed events, each with the states that it may lead to.
        needing: The events that need a payload before their guards can be asked, with its keywords.
        refused: The other events, each with the reason.
        leaves: For a refused event, the reason of each active state that refused it; None for a chart
            with one state at a time.
    """

    events: Mapping[str, str]
    needing: Mapping[str, tuple[Keyword, ...]]
    refused: Mapping[str, str]
    leaves: Mapping[str, Mapping[str, str]] | None = None


def ways_of(chart: type[Chart], model: type | None, state: object, allowed: Allowed) -> Ways:
    """Sort the events of a chart: allowed, waiting for a payload, and refused.

    Args:
        chart: The chart.
        model: The class of the values.
        state: The state of the value, or its text for a chart with one state at a time.
        allowed: The answer of the guards.
    """
    leading = _leading(chart, state)
    text = state_text(state)
    needing = {}
    for event, leads in leading.items():
        needed = tuple(each for each in keywords_of(chart, model, event, text) if each.required)
        asked = any(each.required for each in keywords_of(chart, model, event, text, guards=True))
        if needed and leads and (asked or event in allowed):
            needing[event] = needed
    targets = {event: " or ".join(leading[event]) for event in allowed.events if event not in needing}
    refused = {event: why for event, why in allowed.refused.items() if event not in needing}
    leaves = {event: told for event, told in allowed.leaves.items() if event in refused}
    return Ways(targets, needing, refused, leaves if isinstance(state, Configuration) else None)


def _leading(chart: type[Chart], state: object) -> dict[str, tuple[str, ...]]:
    """Return the events that can be fired, each with the states that it leads to if the guards agree."""
    found = outcomes(chart, state)
    return {event: found.get(event, ()) for event in chart._outer}


def refused_rows(ways: Ways) -> Iterator[tuple[str, str]]:
    """Yield the refused events with their reasons; many with the same reason share a row."""
    by_reason: dict[str, list[str]] = {}
    for event, reason in ways.refused.items():
        by_reason.setdefault(reason, []).append(event)
    shared: list[tuple[str, str]] = []
    for reason, events_ in by_reason.items():
        if len(events_) > _FEW:
            shared.append(("others", f"{reason}: {', '.join(events_)}"))
        else:
            yield from ((event, reason) for event in events_)
    yield from shared


def ways_document(ways: Ways) -> dict[str, object]:
    """Return the events as JSON."""
    return {
        "allowed": list(ways.events),
        "needs_payload": {event: [each.name for each in needed] for event, needed in ways.needing.items()},
        "refused": dict(ways.refused),
        **_leaves_document(ways),
    }


def _leaves_document(ways: Ways) -> dict[str, object]:
    if ways.leaves is None:
        return {}
    return {"refused_by": {event: dict(told) for event, told in ways.leaves.items()}}


def fire_steps(ways: Ways) -> list[str]:
    """Return the commands that fire an event."""
    with_payload = [
        " ".join([f"fire NAME {event}", *(f"{each.name}={placeholder(each)}" for each in needed)])
        for event, needed in ways.needing.items()
    ]
    return [*(f"fire NAME {event}" for event in ways.events), *with_payload]


def placeholder(keyword: Keyword) -> str:
    """Return a word to type the value in the place of."""
    return keyword.words.upper() if keyword.words.isidentifier() else "VALUE"
