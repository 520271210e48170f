"""Compile the actions of an SCXML document that are no code: events, log lines, timers, literals."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any, Final

from statechart.loading.actions import giving, logging, never, raising
from statechart.loading.conditions import condition, problem_of
from statechart.loading.markup import OWN, SCXML, Element
from statechart.loading.source import Source
from statechart.loading.specification import Call, Delay, Described, Description, Kind, Place
from statechart.wording import nearest

_DELAY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|s)")
_WORDS: Final = {"true": True, "false": False, "null": None, "undefined": None}
_METHOD = "do this in a method of the class that is given as base"

NOT_READ: Final = {
    "script": f"a document's code is never run: {_METHOD}",
    "datamodel": "a chart's data is that of its model: declare it there, and take <datamodel> away",
    "invoke": "a chart invokes nothing: do the work outside of it, then fire an event",
    "if": f"conditions within actions are code: give transitions their cond, or {_METHOD}",
    "foreach": f"loops are code: {_METHOD}",
    "assign": f"a chart's data is that of its model: {_METHOD}",
    "cancel": "only the <onexit> of the state that sends an event later can cancel it",
}
"""What documents may have and charts have not, each with the reason and the way to do it instead."""


class Content:
    """The compiler of documents without code.

    Args:
        source: The document.
        description: Its chart.
    """

    def __init__(self, source: Source, description: Description) -> None:
        self._source = source
        self._description = description

    def attributes(self, element: Element, known: Iterable[str]) -> None:
        """Raise DocumentRefused if an element has an attribute that is not known."""
        for name in element.attributes:
            if name not in known:
                like = nearest(name, known)
                hint = f"did you mean {like!r}?" if like else "take it away"
                raise self._refused(element, f"{element.shown} has the attribute {name!r}: {hint}")

    def condition(self, text: str, place: Place) -> list[Call]:
        """Return the guards of a condition."""
        found = condition(text)
        if found in ("true", "True", "1"):
            return []
        if found in ("false", "False", "0"):
            return [never]
        problem = problem_of(found)
        if problem is not None:
            raise place.refused(
                f"the condition {text!r} can't be asked ({problem}): name a guard of the class that is "
                "given as base, or ask In('state')"
            )
        return [found]

    def block(self, element: Element) -> list[Call]:
        """Return the hooks of the actions within an element."""
        return [self._action(child) for child in element]

    def state(self, element: Element, found: Described) -> None:
        """Read the entries and exits of a state, and the data of a final one."""
        cancelled: dict[str, Element] = {}
        for block in _named(element, "onexit"):
            for child in block:
                if child.tag == "cancel" and child.namespace == SCXML:
                    cancelled[child.attributes.get("sendid", "")] = child
                else:
                    found.exit.append(self._action(child))
        for block in _named(element, "onentry"):
            for child in block:
                if child.tag == "send" and child.attributes.get("delay", "0s") != "0s":
                    found.timers.append(self._timer(child, found, cancelled))
                elif child.tag == "timer" and child.namespace == OWN:
                    event, after = child.attributes.get("event", ""), child.attributes.get("after", "")
                    found.timers.append(Delay(self._place(child), event, after))
                else:
                    found.entry.append(self._action(child))
        for left in cancelled.values():
            raise self._refused(left, f"<cancel> is not understood: {NOT_READ['cancel']}")
        for block in _named(element, "donedata"):
            found.data = giving(dict(self._data(block)))

    def other(self, element: Element, found: Described | None) -> None:
        """Pass over what `state` reads; raise DocumentRefused for everything else."""
        if found is not None and element.namespace == SCXML:
            if element.tag in ("onentry", "onexit"):
                return
            if element.tag == "donedata" and found.kind is Kind.FINAL:
                return
        around = "<scxml>" if found is None else f"the {found.kind.value} {found.id!r}"
        raise self._unknown(element, f"{element.shown} can't stand in {around}")

    def _action(self, element: Element) -> Call:
        attributes = element.attributes
        if element.namespace == OWN and element.tag == "action" and attributes.get("name"):
            return attributes["name"]
        if element.namespace == SCXML:
            if element.tag == "raise" and attributes.get("event"):
                return self._raise(attributes["event"])
            if element.tag == "log":
                words = (attributes.get("label"), self._literal_text(element))
                return logging(": ".join(each for each in words if each))
            if element.tag == "send":
                return self._send(element)
        raise self._unknown(element, f"{element.shown} is not understood")

    def _raise(self, event: str) -> Call:
        self._description.raised.add(event)
        return raising(event)

    def _send(self, element: Element) -> Call:
        attributes = element.attributes
        is_late = {"delay", "delayexpr"} & attributes.keys()
        if (
            attributes.get("target") in ("#_internal", "_internal")
            and "event" in attributes
            and not is_late
        ):
            return self._raise(attributes["event"])
        if is_late:
            hint = "a delay belongs into an <onentry>, with a <cancel> in <onexit>: it becomes a timer"
        else:
            hint = "write <raise>, which takes the event at once, or fire it from outside"
        raise self._refused(element, f"{element.shown} is not understood: {hint}")

    def _timer(self, element: Element, found: Described, cancelled: dict[str, Element]) -> Delay:
        attributes = element.attributes
        known = attributes.keys() <= {"event", "id", "delay", "target", "type"} and "event" in attributes
        delay = _DELAY.fullmatch(attributes["delay"])
        if not known or delay is None or attributes.get("target"):
            raise self._refused(
                element, f"{element.shown} is not understood: write <send event='..' id='..' delay='30s'/>"
            )
        if cancelled.pop(attributes.get("id", ""), None) is None:
            raise self._refused(
                element,
                f"{element.shown} would come after {found.id!r} was left: give it an id, and cancel it by "
                f"<cancel sendid='..'/> in the <onexit> of {found.id!r}",
            )
        number = float(delay[1])
        try:
            after = timedelta(milliseconds=number) if delay[2] == "ms" else timedelta(seconds=number)
        except OverflowError:
            raise self._refused(element, f"the delay {delay[0]} of {element.shown} is too long") from None
        return Delay(self._place(element), attributes["event"], after)

    def _literal_text(self, element: Element) -> str | None:
        expression = element.attributes.get("expr")
        return None if expression is None else str(self._literal(element, expression))

    def _data(self, block: Element) -> Iterator[tuple[str, Any]]:
        for child in block:
            name, expression = child.attributes.get("name"), child.attributes.get("expr")
            if child.tag != "param" or name is None or expression is None or not name.isidentifier():
                raise self._refused(
                    child,
                    f"{child.shown} in <donedata> is not understood: write <param name='..' expr='1'/>",
                )
            yield name, self._literal(child, expression)

    def _literal(self, element: Element, expression: str) -> object:
        if expression in _WORDS:
            return _WORDS[expression]
        try:
            found: object = ast.literal_eval(expression)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            raise self._refused(
                element, f"{expression!r} is no literal, and documents' code is never run: write a literal"
            ) from None
        return found

    def _unknown(self, element: Element, problem: str) -> Exception:
        hint = NOT_READ.get(element.tag) if element.namespace == SCXML else None
        known = ("onentry", "onexit", "transition", "state", "parallel", "final", "history", "initial")
        like = nearest(element.tag, known)
        usual = f"did you mean <{like}>?" if like and like != element.tag else "take it away"
        return self._refused(element, f"{problem}: {hint or usual}")

    def _place(self, element: Element) -> Place:
        return Place(self._source, element.line)

    def _refused(self, element: Element, problem: str) -> Exception:
        return self._source.refused(problem, line=element.line)


def _named(element: Element, tag: str) -> Iterator[Element]:
    return (child for child in element if child.tag == tag and child.namespace == SCXML)
