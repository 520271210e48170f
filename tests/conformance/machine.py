"""Run a document on python-statemachine's own engine, read by its own reader."""

from __future__ import annotations

import os
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from statemachine.exceptions import TransitionNotAllowed
from statemachine.io.evaluators import evaluator_for
from statemachine.io.interpreter import Interpreter
from statemachine.io.scxml.reader import SCXMLReader

_STATES = ("state", "final", "parallel")
PATIENCE = 5.0
"""The seconds that python-statemachine's own tests wait for an end."""


class Machine:
    """A document on python-statemachine.

    Its reader groups children by their kind; they are put back into document order, which only helps.

    Args:
        path: The document.
        events: Not needed.
    """

    def __init__(self, path: Path, events: Iterable[str] = ()) -> None:
        del events
        os.chdir(path.parent)  # documents name others beside them
        reader = SCXMLReader()
        definition = reader.read(path.read_text())
        _order(definition, {name: at for at, name in enumerate(_ids(path))})
        interpreter = Interpreter(reader=reader, evaluator=evaluator_for(trusted=True))
        interpreter.process_definition(definition, location=definition.name or path.stem)
        self._machine: Any = interpreter.start()

    @property
    def leaves(self) -> frozenset[str]:
        """The active states without states within them."""
        return frozenset(state.id for state in self._machine.configuration if not state.states)

    def fire(self, event: str) -> None:
        """Fire an event."""
        try:
            self._machine.send(event)
        except TransitionNotAllowed:
            return

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)
        self._machine._engine.processing_loop()

    def finish(self) -> None:
        """Wait for an end."""
        until = time.monotonic() + PATIENCE
        while not self._machine.is_terminated and time.monotonic() < until:
            time.sleep(0.02)
            self._machine._engine.processing_loop()


def _ids(path: Path) -> Iterable[str]:
    for element in ElementTree.parse(path).iter():
        if element.tag.rpartition("}")[2] in _STATES and "id" in element.attrib:
            yield element.attrib["id"]


def _order(definition: Any, places: dict[str, int]) -> None:
    last = len(places)
    definition.states = dict(sorted(definition.states.items(), key=lambda each: places.get(each[0], last)))
    for state in definition.states.values():
        _order(state, places)
