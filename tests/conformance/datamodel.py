"""What W3C's and SCION's documents execute, for the conformance run only.

Charts have no data model of their own: a document's code is never run by the library. The suites say nearly
everything with data, so this compiles it to hooks: expressions are evaluated as Python, errors become
`error.execution`, and what is sent to the document itself comes back by a queue.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from statechart.loading.markup import SCXML, Element
from statechart.loading.source import Source
from statechart.loading.specification import Call, Described, Description, Place
from tests.conformance.session import LOCATION, Carried, Data, OwnType, Session, declared

Act = Callable[[Any], None]

_OWN_TYPES = (None, "scxml", "http://www.w3.org/TR/scxml/#SCXMLEventProcessor")
_PROTECTED = ("_event", "_sessionid", "_name", "_ioprocessors", "_x")


class NotSupported(Exception):
    """A document needs what neither the library nor this has."""


class Executing:
    """Compiles a document, to be run once in a session.

    Args:
        source: The document.
        description: Its chart.
        session: Where it runs.
    """

    def __init__(self, source: Source, description: Description, session: Session) -> None:
        self._source = source
        self._description = description
        self._session = session
        self._begun = False
        self._early: list[Act] = []
        self._late: dict[str, list[Act]] = {}
        self._binding = "early"

    def attributes(self, element: Element, known: Iterable[str]) -> None:
        """Let every attribute pass, as some documents have misspelt ones."""

    def condition(self, text: str, place: Place) -> list[Call]:
        """Return a guard that evaluates a condition; an error is False, and raises `error.execution`."""
        expression = self._python(text)

        def guard(machine: Any, event: Any = None, carried: Any = None, data: Any = None) -> bool:
            self._see(event, carried, data)
            try:
                return bool(self._session.evaluate(expression, machine))
            except Exception:
                self._failed(machine)
                return False

        return [guard]

    def block(self, element: Element) -> list[Call]:
        """Return the hook that runs the actions within an element, up to the first error."""
        acts = [self._act(child) for child in element]
        return [self._hook(acts)] if acts else []

    def state(self, element: Element, found: Described) -> None:
        """Read what a state executes when it is entered and left, and the data of a final one."""
        if self._late.get(found.id):
            found.entry += [self._hook(self._once(self._late[found.id]))]
        for child in element:
            if child.tag == "onentry":
                found.entry += self.block(child)
            elif child.tag == "onexit":
                found.exit += self.block(child)
            elif child.tag == "donedata":
                found.data = self._donedata(child)

    def other(self, element: Element, found: Described | None) -> None:
        """Read data and scripts; raise NotSupported for everything else."""
        if element.tag == "datamodel":
            acts = [self._datum(child) for child in element]
            is_late = found is not None and self._binding == "late"
            if is_late and found is not None:
                self._late.setdefault(found.id, []).extend(acts)
                self._early += [self._declared(child) for child in element]
            else:
                self._early += acts
        elif element.tag == "script" and found is None:
            self._early.append(self._act(element))
        elif element.tag not in ("onentry", "onexit", "donedata"):
            raise NotSupported(element.tag)

    def begin(self, machine: Any) -> None:
        """Set the data of the document, before its first state is entered."""
        if not self._begun:
            self._begun = True
            for act in self._early:
                try:
                    act(machine)
                except Exception:
                    self._failed(machine)

    def bind_late(self) -> None:
        """Bind the data of states when these are first entered."""
        self._binding = "late"

    def _once(self, acts: list[Act]) -> list[Act]:
        left = list(acts)

        def act(machine: Any) -> None:
            while left:
                left.pop(0)(machine)

        return [act]

    def _hook(self, acts: list[Act]) -> Call:
        def hook(machine: Any, event: Any = None, carried: Any = None, data: Any = None) -> None:
            self._see(event, carried, data)
            try:
                for act in acts:
                    act(machine)
            except _Told:
                return
            except Exception:
                self._failed(machine)

        return hook

    def _see(self, event: Any, carried: Any, data: Any) -> None:
        if carried is not None:
            self._session.event = carried
        elif event is not None and event != "__initial__":
            self._session.event = Carried(str(event), "internal", data)

    def _failed(self, machine: Any, kind: str = "error.execution", sendid: str | None = None) -> None:
        self._raise(machine, Carried(kind, "platform", sendid=sendid))

    def _raise(self, machine: Any, event: Carried) -> None:
        if declared(event.name) in type(machine)._declared:
            machine.raised(event)

    @staticmethod
    def _python(text: str) -> str:
        text = text.replace("&&", " and ").replace("||", " or ")
        return re.sub(r"!(?!=)", " not ", re.sub(r"([=!])==", r"\1=", text)).strip()

    def _act(self, element: Element) -> Act:
        if element.namespace != SCXML:
            raise NotSupported(element.tag)
        makers: dict[str, Callable[[Element], Act]] = {
            "raise": self._raising,
            "assign": self._assign,
            "log": self._log,
            "if": self._if,
            "foreach": self._foreach,
            "send": self._send,
            "cancel": self._cancel,
            "script": self._script,
        }
        if element.tag not in makers:
            raise NotSupported(element.tag)
        return makers[element.tag](element)

    def _raising(self, element: Element) -> Act:
        name = element.attributes["event"]
        self._description.raised.add(name)
        return lambda machine: self._raise(machine, Carried(name, "internal"))

    def _value(self, element: Element, machine: Any) -> Any:
        expression = element.attributes.get("expr")
        if expression is None:
            return self._content(element)
        return self._session.evaluate(self._python(expression), machine)

    def _content(self, element: Element) -> Any:
        if "src" in element.attributes:
            path = Path(self._source.where).parent / element.attributes["src"].removeprefix("file:")
            text = path.read_text()
        else:
            if element.children:
                raise NotSupported("XML data")
            text = element.text
        text = " ".join(text.split())
        try:
            return eval(text, {}) if text else None
        except Exception:
            return text

    def _datum(self, element: Element) -> Act:
        if element.children:
            raise NotSupported("XML data")
        name = element.attributes["id"]

        def act(machine: Any) -> None:
            self._session.data.setdefault(name, None)
            self._session.data[name] = self._value(element, machine)

        return act

    def _declared(self, element: Element) -> Act:
        name = element.attributes["id"]
        return lambda _machine: self._session.data.update({name: None})

    def _assign(self, element: Element) -> Act:
        *path, last = element.attributes["location"].split(".")
        if element.children:
            raise NotSupported("XML data")

        def act(machine: Any) -> None:
            if path:
                holder = self._session.evaluate(".".join(path), machine)
                setattr(holder, last, self._value(element, machine))
                return
            if last not in self._session.data or last in _PROTECTED:
                raise NameError(last)
            self._session.data[last] = self._value(element, machine)

        return act

    def _log(self, element: Element) -> Act:
        return lambda machine: self._value(element, machine) if "expr" in element.attributes else None

    def _script(self, element: Element) -> Act:
        if "src" in element.attributes:
            raise NotSupported("JavaScript")
        code = element.text.strip()

        def act(machine: Any) -> None:
            scope = self._session.scope(machine)
            system = {*scope, "__builtins__"} - self._session.data.keys()
            exec(code, scope)
            self._session.data.update({name: scope[name] for name in scope.keys() - system})

        return act

    def _if(self, element: Element) -> Act:
        branches: list[tuple[Callable[..., Any] | None, list[Act]]] = []
        place = Place(self._source, element.line)

        def guard(text: str) -> Callable[..., Any]:
            found = self.condition(text, place)[0]
            assert callable(found)
            return found

        branches.append((guard(element.attributes["cond"]), []))
        for child in element:
            if child.tag in ("elseif", "else"):
                text = child.attributes.get("cond")
                branches.append((None if text is None else guard(text), []))
            else:
                branches[-1][1].append(self._act(child))

        def act(machine: Any) -> None:
            for asked, acts in branches:
                if asked is None or asked(machine):
                    for each in acts:
                        each(machine)
                    return

        return act

    def _foreach(self, element: Element) -> Act:
        acts = [self._act(child) for child in element]
        names = [element.attributes["item"], element.attributes.get("index", "index_")]

        def act(machine: Any) -> None:
            array = self._session.evaluate(element.attributes["array"], machine)
            if not isinstance(array, (list, tuple)) or not all(name.isidentifier() for name in names):
                raise TypeError(names)
            for index, item in enumerate(list(array)):
                self._session.data.update(zip(names, (item, index), strict=True))
                for each in acts:
                    each(machine)

        return act

    def _given(self, element: Element, name: str, machine: Any) -> Any:
        expression = element.attributes.get(f"{name}expr")
        if expression is not None:
            return self._session.evaluate(self._python(expression), machine)
        return element.attributes.get(name)

    def _cancel(self, element: Element) -> Act:
        return lambda machine: self._session.cancel(self._given(element, "sendid", machine))

    def _send(self, element: Element) -> Act:
        if "event" in element.attributes:
            self._description.raised.add(element.attributes["event"])

        def act(machine: Any) -> None:
            sendid = element.attributes.get("id")
            location = element.attributes.get("idlocation")
            if location is not None:
                sendid = self._session.data[location] = self._session.new_id()
            try:
                data = self._sent(element, machine)
                name, target = (self._given(element, part, machine) for part in ("event", "target"))
                kind = self._given(element, "type", machine)
                delay = _seconds(self._given(element, "delay", machine) or "0s")
            except Exception:
                self._failed(machine, sendid=sendid)
                raise _Told from None
            self._deliver(machine, name, target, kind, delay, data, sendid)

        return act

    def _deliver(
        self,
        machine: Any,
        name: str,
        target: str | None,
        kind: str | None,
        delay: float,
        data: Any,
        sendid: str | None,
    ) -> None:
        if kind is not None and str(kind).endswith("BasicHTTPEventProcessor"):
            raise NotSupported("HTTP")
        if kind not in _OWN_TYPES or (target is not None and not target.startswith("#")):
            self._failed(machine, sendid=sendid)
            raise _Told
        if target == "#_internal":
            self._raise(machine, Carried(name, "internal", data, sendid))
        elif target in (None, LOCATION):
            self._session.send(Carried(name, "external", data, sendid, LOCATION, OwnType("scxml")), delay)
        else:
            self._failed(machine, "error.communication", sendid)

    def _sent(self, element: Element, machine: Any) -> Any:
        found = Data()
        for name in element.attributes.get("namelist", "").split():
            found[name] = self._session.data[name]
        for child in element:
            if child.tag == "content":
                if child.children:
                    raise NotSupported("XML data")
                return self._value(child, machine)
            expression = child.attributes.get("expr", child.attributes.get("location", ""))
            found[child.attributes["name"]] = self._session.evaluate(self._python(expression), machine)
        return found or None

    def _donedata(self, element: Element) -> Call:
        def give(machine: Any, event: Any = None, carried: Any = None) -> dict[str, Any]:
            self._see(event, carried, None)
            try:
                found = self._sent(element, machine)
            except Exception:
                self._failed(machine)
                found = None
            return {"data": found}

        return give


class _Told(Exception):
    """An error that was raised as an event already."""


def _seconds(text: str) -> float:
    found = re.fullmatch(r"\s*([\d.]+)(ms|s)?\s*", str(text))
    if found is None:
        raise ValueError(text)
    return float(found[1]) / (1000 if found[2] == "ms" else 1)
