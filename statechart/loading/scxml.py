"""Read SCXML: the part without scripts.

Source: State Chart XML (SCXML), W3C Recommendation of 1 September 2015, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from statechart.loading.content import Content
from statechart.loading.markup import OWN, SCXML, Element, read_markup
from statechart.loading.source import Source
from statechart.loading.specification import Arrow, Call, Described, Description, Kind, Place

_KINDS: Final = {"state": Kind.STATE, "parallel": Kind.PARALLEL, "final": Kind.FINAL}
_HISTORIES: Final = {"shallow": Kind.SHALLOW, "deep": Kind.DEEP}

_ATTRIBUTES: Final = {
    "scxml": ("initial", "name", "version", "datamodel", "binding", "own:internal"),
    "state": ("id", "initial", "own:value"),
    "parallel": ("id", "own:value"),
    "final": ("id", "own:value"),
    "history": ("id", "type", "own:value"),
    "initial": (),
    "transition": ("event", "cond", "target", "type"),
    "onentry": (),
    "onexit": (),
}

_CHILDREN: Final = {
    "scxml": ("state", "parallel", "final"),
    "state": ("onentry", "onexit", "transition", "initial", "state", "parallel", "final", "history"),
    "parallel": ("onentry", "onexit", "transition", "state", "parallel", "history"),
    "final": ("onentry", "onexit", "donedata"),
    "history": ("transition",),
    "initial": ("transition",),
}


class Compiler(Protocol):
    """Turns the actions and conditions of a document into hooks and guards."""

    def attributes(self, element: Element, known: Iterable[str]) -> None:
        """Check the attributes of an element."""
        ...

    def block(self, element: Element) -> list[Call]:
        """Return the hooks of the actions within an element."""
        ...

    def condition(self, text: str, place: Place) -> list[Call]:
        """Return the guards of a condition."""
        ...

    def state(self, element: Element, found: Described) -> None:
        """Read the rest of a state: entries and exits, and data of final ones."""
        ...

    def other(self, element: Element, found: Described | None) -> None:
        """Read an element that is neither a state nor a transition, of a state or of the root."""
        ...


def read_scxml(
    source: Source, compiler: Callable[[Source, Description], Compiler] = Content
) -> Description:
    """Return the chart that an SCXML document describes.

    Args:
        source: The document.
        compiler: Makes the compiler of actions and conditions.

    Raises:
        DocumentRefused: It is no SCXML, or has a part that charts have not.
    """
    root = read_markup(source)
    if root.tag != "scxml" or root.namespace != SCXML:
        raise source.refused(f"its root is <{root.tag}>: give a document of <scxml>", line=root.line)
    found = Description(source, root.attributes.get("name"))
    _Reader(source, found, compiler(source, found)).read(root)
    return found


class _Reader:
    def __init__(self, source: Source, found: Description, compiler: Compiler) -> None:
        self._source = source
        self._found = found
        self._compiler = compiler

    def read(self, root: Element) -> None:
        self._compiler.attributes(root, _ATTRIBUTES[root.tag])
        self._found.initial = tuple(root.attributes.get("initial", "").split())
        self._found.inner = frozenset(root.attributes.get("own:internal", "").split())
        for child in root:
            if self._is_known(root, child):
                self._found.states.append(self._state(child, None))
            else:
                self._compiler.other(child, None)
        if not self._found.states:
            raise self._refused(root, "it has no state: add one")

    def _state(self, element: Element, parent: Described | None) -> Described:
        self._compiler.attributes(element, _ATTRIBUTES[element.tag])
        name = element.attributes.get("id")
        if not name:
            raise self._refused(
                element, f"<{element.tag}> has no id: give it one, since records name states"
            )
        kind = self._history(element) if element.tag == "history" else _KINDS[element.tag]
        found = Described(name, kind, self._place(element), parent)
        found.value = element.attributes.get("own:value")
        found.initial = tuple(element.attributes.get("initial", "").split())
        for child in element:
            if not self._is_known(element, child):
                self._compiler.other(child, found)
            elif child.tag in (*_KINDS, "history"):
                found.children.append(self._state(child, found))
            elif child.tag == "transition":
                found.arrows.append(self._transition(child))
            elif child.tag == "initial":
                self._initial(child, found)
        self._compiler.state(element, found)
        return found

    def _history(self, element: Element) -> Kind:
        kind = element.attributes.get("type", "shallow")
        if kind not in _HISTORIES:
            raise self._refused(
                element, f"the history has the type {kind!r}: write type='shallow' or 'deep'"
            )
        return _HISTORIES[kind]

    def _transition(self, element: Element) -> Arrow:
        self._compiler.attributes(element, _ATTRIBUTES[element.tag])
        attributes = element.attributes
        kind = attributes.get("type", "external")
        if kind not in ("internal", "external"):
            raise self._refused(
                element, f"the transition has the type {kind!r}: write 'internal' or 'external'"
            )
        place = self._place(element)
        found = Arrow(
            place,
            tuple(attributes.get("event", "").split()),
            tuple(attributes.get("target", "").split()),
            internal=kind == "internal",
        )
        if "cond" in attributes:
            found.guards = self._compiler.condition(attributes["cond"], place)
        lists = {"validators": found.validators, "before": found.before, "after": found.after}
        plain = []
        for child in element:
            when = child.attributes.get("when", "on") if child.namespace == OWN else "on"
            if when in lists:
                lists[when].append(child.attributes.get("name", ""))
            else:
                plain.append(child)
        found.on += self._compiler.block(Element(element.tag, {}, element.line, children=plain))
        return found

    def _initial(self, element: Element, found: Described) -> None:
        self._compiler.attributes(element, _ATTRIBUTES[element.tag])
        if found.initial or len(element.children) != 1:
            raise self._refused(
                element, f"<initial> of {found.id!r} has to be its only one, with one <transition>"
            )
        arrow = self._transition(element.children[0])
        if arrow.events or arrow.guards or not arrow.targets:
            raise self._refused(
                element, f"the transition of <initial> in {found.id!r} needs a target, and nothing else"
            )
        found.initial, found.opening = arrow.targets, arrow.on

    def _is_known(self, element: Element, child: Element) -> bool:
        return child.namespace == SCXML and child.tag in _CHILDREN[element.tag]

    def _place(self, element: Element) -> Place:
        return Place(self._source, element.line)

    def _refused(self, element: Element, problem: str) -> Exception:
        return self._source.refused(problem, line=element.line)
