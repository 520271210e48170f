"""A running document: its data, its queue of external events, and a clock that only moves when told."""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass
from itertools import count
from typing import Any

from statechart import Chart, InvalidTransition

SESSION = "session-1"
LOCATION = f"#_scxml_{SESSION}"


def declared(event: str) -> str:
    """Return the name under which a chart declares an event, or a descriptor of events.

    Documents call events like states, and like attributes of charts, which declarations can't.
    """
    return event if event == "*" or event.partition(".")[0] == "done" else f"e.{event}"


class Document(Chart[Any]):
    """The base of charts whose hooks raise events."""

    def raised(self, event: Carried) -> None:
        """Raise an event with what it carries."""
        self.raise_(declared(event.name), carried=event)


class Data(dict[str, Any]):
    """What an event carries: readable as attributes, and by `get`."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


@dataclass(frozen=True)
class Carried:
    """An event as a document sees it, `_event`."""

    name: str
    type: str
    data: Any = None
    sendid: str | None = None
    origin: str | None = None
    origintype: str | None = None
    invokeid: str | None = None


class OwnType(str):
    """The type of the documents' own events, under each of its two names."""

    def __eq__(self, other: object) -> bool:
        return other in ("scxml", "http://www.w3.org/TR/scxml/#SCXMLEventProcessor")

    __hash__ = str.__hash__


class Processors:
    """The system variable `_ioprocessors`."""

    location = LOCATION

    def __getitem__(self, _name: str) -> Processors:
        return self

    def get(self, name: str) -> object:
        return getattr(self, name, self)


class Session:
    """The data and the queues of a document, which runs once."""

    def __init__(self, name: str) -> None:
        self.data: dict[str, Any] = {}
        self.event: Carried | None = None
        self.machine: Chart[Any] | None = None
        self.name = name
        self.has_data = True
        self._processors = Processors()
        self._queue: deque[Carried] = deque()
        self._later: list[tuple[float, int, Carried]] = []
        self._now = 0.0
        self._numbers = count()

    def evaluate(self, expression: str, machine: Chart[Any]) -> Any:
        """Return the value of an expression, as Python reads it."""
        return eval(expression, self.scope(machine))

    def scope(self, machine: Chart[Any]) -> dict[str, Any]:
        """Return the names that a document's expressions may use."""
        system = {"_name": self.name, "_sessionid": SESSION, "_ioprocessors": self._processors}
        if self.event is not None:
            system["_event"] = self.event
        words = {"true": True, "false": False, "null": None, "undefined": None}
        return {**words, **self.data, **system, "In": machine.active}

    def send(self, event: Carried, delay: float = 0) -> None:
        """Queue an external event, for now or later."""
        if delay:
            heapq.heappush(self._later, (self._now + delay, next(self._numbers), event))
        else:
            self._queue.append(event)

    def cancel(self, sendid: str) -> None:
        """Forget the events of a send that are not due yet."""
        self._later = [each for each in self._later if each[2].sendid != sendid]
        heapq.heapify(self._later)

    def new_id(self) -> str:
        """Return an id that no send has had."""
        return f"send-{next(self._numbers)}"

    def fire(self, event: Carried) -> None:
        """Take an external event, and those that its actions sent to be taken at once."""
        self._queue.appendleft(event)
        self.drain()

    def drain(self) -> None:
        """Take the external events in the queue."""
        machine = self.machine
        assert machine is not None
        while self._queue:
            event = self._queue.popleft()
            name = declared(event.name) if self.has_data else event.name
            payload = {"carried": event} if self.has_data else {}
            if name in type(machine)._outer:
                try:
                    machine.fire(type(machine)._outer[name], **payload)
                except InvalidTransition:
                    continue

    def wait(self, seconds: float) -> None:
        """Let time pass, and take the events that become due, in order."""
        until = self._now + seconds
        while self._later and self._later[0][0] <= until:
            self._now, _, event = heapq.heappop(self._later)
            self.fire(event)
        self._now = until

    @property
    def waits(self) -> bool:
        """Whether an event is still to come."""
        return bool(self._later)
