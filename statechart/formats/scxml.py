"""Write a chart as SCXML, for other tools, and for `statechart.load`.

Source: State Chart XML (SCXML), W3C Recommendation of 1 September 2015, section 3. A namespace of our own
has the rest: hooks and validators by name, timers whose delay is a function, values of states, and events
that only the chart raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

from statechart.engine.table import Kind, Node, Table, Way
from statechart.errors import DiagramUnavailable
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.engine.declaration.timers import Alarm
    from statechart.graph import AnyChart

OWN = "urn:envchart:statechart"
"""The namespace of what SCXML has no word for."""

_TAGS = {
    Kind.ATOMIC: "state",
    Kind.COMPOUND: "state",
    Kind.PARALLEL: "parallel",
    Kind.FINAL: "final",
    Kind.SHALLOW: "history",
    Kind.DEEP: "history",
}
_DOTTED = (("done_state_", "done.state."), ("done_invoke_", "done.invoke."), ("error_", "error."))


def scxml(chart: AnyChart) -> str:
    """Return a chart as an SCXML document.

    Raises:
        DiagramUnavailable: The chart has a part that SCXML can't say.
    """
    return "".join(f"{line}\n" for line in _Writer(chart).lines())


class _Writer:
    def __init__(self, chart: AnyChart) -> None:
        self._chart = chart
        self._table: Table = vars(chart).get("_table") or Table(chart)
        self._alarms: Mapping[str, Alarm] = getattr(chart, "_alarms", {})

    def lines(self) -> Iterator[str]:
        """Yield the lines of the document."""
        table = self._table
        for node in table.nodes:
            if any(character.isspace() for character in node.state.id):
                raise DiagramUnavailable(
                    f"SCXML has no ids with spaces, as in {node.state.id!r}: rename it"
                )
        inner = [event.id for event in self._chart._events if event.internal]
        attributes = {
            "xmlns": "http://www.w3.org/2005/07/scxml",
            "xmlns:own": OWN if self._needs_own() else None,
            "version": "1.0",
            "name": self._chart.__name__,
            "initial": self._ids(table.starts),
            "own:internal": " ".join(inner) or None,
        }
        yield '<?xml version="1.0" encoding="UTF-8"?>'
        yield _opened("scxml", attributes)
        for node in table.nodes:
            if not node.ancestors:
                yield from _indented(self._state(node))
        yield "</scxml>"

    def _needs_own(self) -> bool:
        return any("own:" in line for node in self._table.nodes for line in self._own(node)) or any(
            event.internal for event in self._chart._events
        )

    def _state(self, node: Node) -> Iterator[str]:
        tag = _TAGS[node.kind]
        attributes: dict[str, str | None] = {"id": node.state.id}
        if node.remembers:
            attributes["type"] = "deep" if node.kind is Kind.DEEP else "shallow"
        opening = list(_actions(node.opening.on)) if node.opening is not None else []
        if node.initial and not opening and node.initial != tuple(node.children[:1]):
            attributes["initial"] = self._ids(node.initial)
        value = state_text(node.state.value)
        attributes["own:value"] = None if value == node.state.id else value
        inside = list(self._inside(node, opening))
        if not inside:
            yield _opened(tag, attributes, empty=True)
            return
        yield _opened(tag, attributes)
        yield from _indented(inside)
        yield f"</{tag}>"

    def _own(self, node: Node) -> Iterator[str]:
        """Yield the lines of a state without those of the states within it."""
        if state_text(node.state.value) != node.state.id:
            yield "own:value"
        opening = list(_actions(node.opening.on)) if node.opening is not None else []
        yield from opening
        yield from self._entry(node)
        yield from self._exit(node)
        for way in node.ways:
            yield from self._way(node, way)

    def _inside(self, node: Node, opening: list[str]) -> Iterator[str]:
        if opening:
            yield "<initial>"
            yield from _indented(_element("transition", {"target": self._ids(node.initial)}, opening))
            yield "</initial>"
        entry, leave = list(self._entry(node)), list(self._exit(node))
        if entry:
            yield from _element("onentry", {}, entry)
        if leave:
            yield from _element("onexit", {}, leave)
        for data in _written(node.state.enter, "donedata"):
            parameters = (
                _opened("param", {"name": name, "expr": repr(each)}, empty=True)
                for name, each in data.items()
            )
            yield from _element("donedata", {}, parameters)
        for way in node.ways:
            yield from self._way(node, way)
        if node.remembers and not node.ways:  # which SCXML demands
            yield _opened("transition", {"target": self._ids(self._table.default(node))}, empty=True)
        for child in (*node.memories, *node.children):
            yield from self._state(self._table.nodes[child])

    def _entry(self, node: Node) -> Iterator[str]:
        yield from _actions(node.state.enter)
        for alarm in self._timers(node):
            if isinstance(alarm.after, timedelta):
                delay = f"{alarm.after.total_seconds():.15g}s"
                yield _opened("send", {"event": alarm.event, "id": alarm.name, "delay": delay}, empty=True)
            else:
                name = getattr(alarm.after, "__name__", "")
                yield _opened("own:timer", {"event": alarm.event, "after": name}, empty=True)

    def _exit(self, node: Node) -> Iterator[str]:
        yield from _actions(node.state.exit)
        for alarm in self._timers(node):
            if isinstance(alarm.after, timedelta):
                yield _opened("cancel", {"sendid": alarm.name}, empty=True)

    def _timers(self, node: Node) -> Iterator[Alarm]:
        return (alarm for alarm in self._alarms.values() if alarm.state is node.state)

    def _way(self, node: Node, way: Way) -> Iterator[str]:
        transition = way.transition
        is_internal = transition.internal and node.kind is Kind.COMPOUND
        if is_internal and way.targets == (way.source,):
            raise DiagramUnavailable(
                f"SCXML has no transition of {node.state.id!r} to itself that enters it without leaving it"
            )
        attributes = {
            "event": None if node.remembers else " ".join(_events(transition)) or None,
            "cond": _condition(transition.cond),
            "target": self._ids(way.targets) or None,
            "type": "internal" if is_internal and way.targets else None,
        }
        inside = [
            line
            for when, specs in (
                ("validators", transition.validators),
                ("before", transition.before),
                ("on", transition.on),
                ("after", transition.after),
            )
            for line in _actions(specs, when)
        ]
        yield from _element("transition", attributes, inside)

    def _ids(self, numbers: Iterable[int]) -> str:
        return " ".join(self._table.nodes[number].state.id for number in numbers)


def _events(transition: Any) -> Iterator[str]:
    names = [event.id for event in transition.events]
    for name in names:
        # python-statemachine declares such an event twice: `done_state_open` and `done.state.open`.
        dotted = [
            name.replace(prefix, instead, 1) for prefix, instead in _DOTTED if name.startswith(prefix)
        ]
        if not any(each in names for each in dotted):
            yield name


def _condition(specs: Iterable[Any]) -> str | None:
    parts = []
    for spec in specs:
        written = getattr(spec.func, "written", None)
        name = (
            written[1]
            if written is not None
            else spec.func
            if isinstance(spec.func, str)
            else spec.attr_name
        )
        parts.append(f"not ({name})" if spec.expected_value is False else name)
    if len(parts) > 1:
        parts = [f"({part})" for part in parts]
    return " and ".join(parts) or None


def _actions(specs: Iterable[Any], when: str = "on") -> Iterator[str]:
    """Yield the elements of hooks that are given by name or by a document, and found by no convention."""
    for spec in specs:
        if spec.is_convention:
            continue
        tag, attributes = getattr(spec.func, "written", ("own:action", {}))
        if tag == "own:action":
            name = spec.func if isinstance(spec.func, str) else spec.attr_name
            attributes = {"name": name, "when": None if when == "on" else when}
        if tag != "donedata":
            yield _opened(tag, attributes, empty=True)


def _written(specs: Iterable[Any], tag: str) -> Iterator[Mapping[str, Any]]:
    for spec in specs:
        found = getattr(spec.func, "written", None)
        if found is not None and found[0] == tag:
            yield found[1]


def _element(tag: str, attributes: Mapping[str, str | None], inside: Iterable[str]) -> Iterator[str]:
    lines = list(inside)
    yield _opened(tag, attributes, empty=not lines)
    if lines:
        yield from _indented(lines)
        yield f"</{tag}>"


def _opened(tag: str, attributes: Mapping[str, str | None], *, empty: bool = False) -> str:
    given = "".join(
        f" {name}={quoteattr(value)}" for name, value in attributes.items() if value is not None
    )
    return f"<{tag}{given}{'/' if empty else ''}>"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
