"""The configurations in which a chart may rest, and the events that they refuse, whatever guards answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from statechart.engine.table import bits
from statechart.graph.paths import LIMIT
from statechart.graph.walking import explored
from statechart.testing.nested.edges import AnyChart, table_of


@dataclass(frozen=True, slots=True)
class Resting:
    """The configurations in which a chart may rest.

    Attributes:
        masks: The configurations in bits, the nearest first.
        is_whole: Whether these are all: the search did not end at its limit.
    """

    masks: tuple[int, ...]
    is_whole: bool


def resting(chart: AnyChart) -> Resting:
    """Return the configurations in which a chart may rest, reached from its initial state."""
    found = explored(chart, LIMIT)
    return Resting(tuple(dict.fromkeys(active for active, _ in found.places)), found.is_whole)


def refusing(chart: AnyChart) -> dict[tuple[str, str], str]:
    """Return the refusals of a chart by leaf and event, each with the text of a configuration that refuses.

    An event is refused by a configuration from which no transition of the event leads, guards not asked.
    """
    form = chart._form
    return {
        cell: form.text(mask) for cell, mask in _met(chart).items() if not _leads(chart, cell[1]) & mask
    }


def trying(chart: AnyChart) -> Iterator[tuple[str, str, bool]]:
    """Yield configurations and events that together meet each event in each leaf that the chart rests in.

    The third is whether a transition of the event leads from there. A leaf is met with a refusal where
    some configuration with it refuses.
    """
    tried = dict.fromkeys((mask, event) for (_, event), mask in _met(chart).items())
    for mask, event in tried:
        yield chart._form.text(mask), event, bool(_leads(chart, event) & mask)


def _met(chart: AnyChart) -> dict[tuple[str, str], int]:
    """Return each leaf and event with the nearest configuration that refuses it, or else the nearest."""
    masks, leaves = resting(chart).masks, table_of(chart).leaves
    found: dict[tuple[int, str], int] = {}
    for event in chart._outer:
        sources = _leads(chart, event)
        # Numbers instead of texts, as there may be many configurations.
        for wanted in ([mask for mask in masks if not mask & sources], masks):
            missing = leaves
            for mask in wanted:
                for leaf in bits(mask & missing):
                    found.setdefault((leaf, event), mask)
                missing &= ~mask
    ordered = sorted(found, key=lambda cell: cell[0])  # stable: events stay in their order
    return {(chart._form.texts(1 << leaf)[0], event): found[leaf, event] for leaf, event in ordered}


def _leads(chart: AnyChart, event: str) -> int:
    """Return the bits of the states from which a transition of an event leads."""
    nodes = table_of(chart).nodes
    return sum(node.bit for node in nodes if any(way.transition.match(event) for way in node.ways))
