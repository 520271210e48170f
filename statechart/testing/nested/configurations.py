"""The configurations in which a chart may rest, and the events that they refuse, whatever guards answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
    found: dict[tuple[str, str], int] = {}
    leaves = {mask: chart._form.leaves(mask) for mask in resting(chart).masks}
    table = table_of(chart)
    for mask, texts in leaves.items():
        for event in chart._outer:
            if not table.candidates(mask, event):
                for leaf in texts:
                    found.setdefault((leaf, event), mask)
    ordered = {(leaf, event): found[leaf, event] for leaf, event in _cells(chart) if (leaf, event) in found}
    return {cell: chart._form.text(mask) for cell, mask in ordered.items()}


def _cells(chart: AnyChart) -> Iterator[tuple[str, str]]:
    for leaf in chart._form.leaves(table_of(chart).leaves):
        for event in chart._outer:
            yield leaf, event


def trying(chart: AnyChart) -> Iterator[tuple[str, str, bool]]:
    """Yield configurations and events that together meet each event in each leaf that the chart rests in.

    The third is whether a transition of the event leads from there. A leaf is met with a refusal where
    some configuration with it refuses.
    """
    refused, table, form = refusing(chart), table_of(chart), chart._form
    masks = {form.text(mask): mask for mask in resting(chart).masks}
    first: dict[str, str] = {}
    for text, mask in masks.items():
        for leaf in form.leaves(mask):
            first.setdefault(leaf, text)
    tried: dict[tuple[str, str], bool] = {}
    for leaf, event in _cells(chart):
        text = refused.get((leaf, event)) or first.get(leaf)
        if text is not None:
            tried[text, event] = bool(table.candidates(masks[text], event))
    for (text, event), declared in tried.items():
        yield text, event, declared
