"""The documents of W3C and SCION, each with its test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from xml.etree.ElementTree import parse

from statechart import DocumentRefused, load

_STRUCTURE = ("scxml", "state", "parallel", "final", "history", "initial", "transition", "log")
_AROUND = ("onentry", "onexit")
_EVERY = ("any",)


class Engine(Protocol):
    """A document on an engine."""

    @property
    def leaves(self) -> frozenset[str]:
        """The active states without states within them."""
        ...

    def fire(self, event: str) -> None:
        """Fire an event."""
        ...

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        ...

    def finish(self) -> None:
        """Let time pass until nothing more comes."""
        ...


@dataclass(frozen=True, eq=False)
class Case:
    """A document with its test.

    Attributes:
        suite: `W3C mandatory`, `W3C optional` or `SCION`.
        name: The name within the suite.
        script: The events of a SCION test with the leaves that follow; None if `pass` has to be reached.
        structural: Whether the document has states and transitions only, without data, conditions and
            actions.
    """

    suite: str
    name: str
    path: Path
    script: Any
    structural: bool

    @property
    def events(self) -> list[str]:
        """The events that the test fires."""
        return [each["event"]["name"] for each in self.script["events"]] if self.script else []

    def run(self, engine: type) -> bool:
        """Return whether the document behaves on an engine as its test says."""
        machine: Engine = engine(self.path, self.events)
        if self.script is None:
            machine.finish()
            return "pass" in machine.leaves
        if machine.leaves != set(self.script["initialConfiguration"]):
            return False
        for each in self.script["events"]:
            if "after" in each:
                machine.wait(each["after"] / 1000)
            machine.fire(each["event"]["name"])
            if machine.leaves != set(each["nextConfiguration"]):
                return False
        return True


def w3c(root: Path) -> Iterator[Case]:
    """Yield the documents in the source distribution of python-statemachine."""
    for group in ("mandatory", "optional"):
        for path in sorted((root / "tests" / "scxml" / "w3c" / group).glob("*.scxml")):
            if "sub" not in path.stem:
                yield Case(f"W3C {group}", path.stem.removeprefix("test"), path, None, structural=False)


def scion(root: Path) -> Iterator[Case]:
    """Yield the documents of SCION's own; those made of W3C's for ECMAScript are left out."""
    for path in sorted((root / "test").rglob("*.scxml")):
        place = path.relative_to(root / "test")
        if place.parts[0] != "w3c-ecma":
            script = json.loads(path.with_suffix(".json").read_text("utf-8"))
            yield Case("SCION", str(place.with_suffix("")), path, script, structural=_is_structural(path))


def _is_structural(path: Path) -> bool:
    elements = [(each.tag.rpartition("}")[2], each.attrib) for each in parse(path).iter()]
    if any(tag not in (*_STRUCTURE, *_AROUND) or "cond" in attributes for tag, attributes in elements):
        return False
    try:
        load(path, events=_EVERY)
    except DocumentRefused:  # a log line that has to be computed
        return False
    return True
