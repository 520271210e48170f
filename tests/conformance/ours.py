"""Run a document on this library's engine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from statechart import Chart, Configuration, DocumentRefused, load
from statechart.loading.build import build
from statechart.loading.scxml import read_scxml
from statechart.loading.source import read_source
from statechart.loading.specification import Described, Description
from tests.conformance.datamodel import Executing
from tests.conformance.session import Carried, Document, Session, declared

_ERRORS = ("error.execution", "error.communication")


class Ours:
    """A document on this library's engine: as `load` reads it, or with the data of the conformance run.

    Args:
        path: The document.
        events: The events that the test fires.
    """

    def __init__(self, path: Path, events: Iterable[str] = ()) -> None:
        self._session = session = Session(path.stem)
        try:
            session.machine = self.machine = load(path, events=dict.fromkeys(events))()
            session.has_data = False
        except DocumentRefused:
            session.machine = self.machine = _executing(path, events, session)()
        session.drain()

    @property
    def leaves(self) -> frozenset[str]:
        """The active states without states within them."""
        state = self.machine.model.state
        return frozenset(state.active) if isinstance(state, Configuration) else frozenset([str(state)])

    def fire(self, event: str) -> None:
        """Fire an event, with all that it sends."""
        self._session.fire(Carried(event, "external"))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._session.wait(seconds)

    def finish(self) -> None:
        """Let time pass until nothing more comes."""
        for _ in range(100):
            if not self._session.waits:
                return
            self._session.wait(10)


def _executing(path: Path, events: Iterable[str], session: Session) -> type[Chart[Any]]:
    """Return the chart of a document that executes code, for a session."""
    compilers: list[Executing] = []

    def compiler(source: Any, description: Description) -> Executing:
        compilers.append(Executing(source, description, session))
        return compilers[-1]

    description = read_scxml(read_source(path), compiler)
    session.name = description.name or session.name
    first = _first(description)
    first.entry.insert(0, compilers[0].begin)
    for state in description.every():
        for arrow in state.arrows:
            arrow.events = tuple(map(declared, arrow.events))
            if not (arrow.events or arrow.targets or arrow.guards):
                arrow.guards = [_always]  # without a guard, charts take it for an endless one
    description.raised = set(map(declared, description.raised))
    return build(
        description,
        "Chart",
        base=Document,
        given={},
        events=dict.fromkeys(map(declared, [*events, *_ERRORS])),
        module=__name__,
    )


def _first(description: Description) -> Described:
    if not description.initial:
        return description.states[0]
    found = next(state for state in description.every() if state.id == description.initial[0])
    while found.parent is not None:
        found = found.parent
    return found


def _always() -> bool:
    return True
