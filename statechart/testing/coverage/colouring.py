"""Colour the picture of a chart by its coverage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from statechart.configuration import JOINED
from statechart.engine.nested.program import ALWAYS
from statechart.picture import Arrow, ArrowMark, Node, Picture
from statechart.testing.coverage.items import Covered, tests_text
from statechart.testing.coverage.texts import edge_item, history_item
from statechart.testing.nested.edges import ALIAS
from statechart.wording import counted


def coloured(covered: Covered) -> Picture:
    """Return a chart's picture with covered and uncovered parts, and the numbers of tests.

    An uncovered transition is drawn even if it belongs to a note.
    """
    picture = covered.picture()
    values = dict(zip((node.id for node in picture.nodes), covered.texts(), strict=True))
    tally = _Tally(covered, values)
    shown = [*picture.arrows, *_hidden(picture, tally)]
    return replace(
        picture,
        arrows=[tally.marked(arrow) for arrow in shown],
        classes={node.id: "visited" if tally.is_met(node) else "missed" for node in picture.nodes},
        missed=frozenset(index for index, arrow in enumerate(shown) if not tally.tests(arrow)),
    )


def _hidden(picture: Picture, tally: _Tally) -> Iterator[Arrow]:
    """Yield the transitions that no test covers and that a note stands for."""
    drawn = {(arrow.source, arrow.events, arrow.target): set(arrow.guards) for arrow in picture.arrows}
    keys = [(arrow.source, arrow.events, arrow.target) for arrow in picture.whole]
    shared = {
        guard
        for arrow, key in zip(picture.whole, keys, strict=True)
        if key in drawn
        for guard in arrow.guards
        if guard not in drawn[key]
    }
    for arrow, key in zip(picture.whole, keys, strict=True):
        if key not in drawn and not tally.tests(arrow):
            yield replace(arrow, guards=tuple(guard for guard in arrow.guards if guard not in shared))


@dataclass(frozen=True, slots=True)
class _Tally:
    """The numbers of tests and of takings in production of each transition.

    Attributes:
        values: Each state's value by its identifier in the picture.
    """

    covered: Covered
    values: Mapping[str, str]

    def tests(self, arrow: Arrow) -> int:
        """Return the number of tests that take a transition."""
        known = self.covered.items["history" if arrow.trigger == "default" else "transitions"]
        return len({test for item in self._items(arrow) for test in known.get(item, [])})

    def is_met(self, node: Node) -> bool:
        """Return whether tests enter a state; a history state, from memory and by default."""
        text = self.values[node.id]
        if not node.is_history:
            return bool(self.covered.items["states"].get(text))
        return all(
            self.covered.items["history"].get(history_item(text, remembered), [""])
            for remembered in (True, False)
        )

    def seen(self, arrow: Arrow) -> int | None:
        """Return how often production took a transition, or None without journals."""
        seen = self.covered.seen
        return None if seen is None else sum(seen.get(item, 0) for item in self._items(arrow))

    def marked(self, arrow: Arrow) -> Arrow:
        """Return a transition with its numbers, and with a mark if tests and production differ."""
        tests, seen = self.tests(arrow), self.seen(arrow)
        label = detail = tests_text(tests)
        mark: ArrowMark = "" if tests else "missed"
        if seen is not None:
            label += f", seen {counted(seen, 'time')}" if seen else ", never seen"
            detail += f" · {seen}x"
            if tests and not seen:
                mark = "unseen"
            elif seen and not tests:
                mark = "untested"
        return replace(arrow, label=label, detail=detail, taken=bool(tests), mark=mark)

    def _items(self, arrow: Arrow) -> list[str]:
        source = self.values[arrow.source]
        if arrow.trigger == "default":
            return [history_item(source, remembered=False)]
        target = JOINED.join(self.values[target] for target in arrow.targets) or source
        events = [event for event in arrow.events if not event.startswith(ALIAS)] or [ALWAYS]
        return [edge_item(source, event, target) for event in events]
