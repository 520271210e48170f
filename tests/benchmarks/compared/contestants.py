"""The same door in four libraries: two states, one event, and what is done with them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import transitions
from pydantic import BaseModel
from statemachine import Event, State, StateChart
from xstate_statemachine import MachineLogic, SyncInterpreter, create_machine
from xstate_statemachine.persistence import FileStore, persisted

from statechart import Chart, ChartRepository

Work = Callable[[], object]


@dataclass(frozen=True)
class Contestant:
    """A library, and a unit of each work that is measured.

    Attributes:
        plain: One event, without guards and hooks.
        hooked: One event with a guard, and hooks that run on leaving and on entering.
        build: One more machine of a chart that is declared already.
        allowed: The events that the present state and the guards allow.
        durable: One event that is in a file afterwards, from a directory; None if it stores nothing itself.
    """

    name: str
    package: str
    plain: Work
    hooked: Work
    build: Work
    allowed: Work
    durable: Callable[[Path], Work] | None = None

    @property
    def title(self) -> str:
        return f"{self.name} {version(self.package)}" if self.package != "envchart" else self.name


def ours() -> Contestant:
    """Return this package, as it is imported: log lines are made, and nobody has enabled them."""

    class Plain(Chart):
        idle = State(initial=True)
        busy = State()
        flip = Event(idle.to(busy) | busy.to(idle))

    class Door(BaseModel):
        state: str = "idle"
        seen: int = 0

    class Hooked(Chart[Any]):
        idle = State(initial=True)
        busy = State()
        flip = Event(idle.to(busy, cond="able") | busy.to(idle, cond="able"))

        def able(self, model: Any) -> bool:
            return model is not None

        def on_enter_state(self, model: Any) -> None:
            model.seen += 1

        def on_exit_state(self) -> None: ...

    class Stored(Chart[Door]):
        idle = State(initial=True)
        busy = State()
        flip = Event(idle.to(busy) | busy.to(idle))

    plain, hooked = Plain(), Hooked(SimpleNamespace(state="idle", seen=0))

    def durable(place: Path) -> Work:
        doors = ChartRepository(place, Stored)
        doors.create("a", Door())
        return lambda: doors.fire("a", Stored.flip)

    return Contestant(
        "statechart",
        "envchart",
        lambda: plain.fire(Plain.flip),
        lambda: hooked.fire(Hooked.flip),
        Plain,
        hooked.enabled,
        durable,
    )


def python_statemachine() -> Contestant:
    """Return python-statemachine, with the flags under which it refuses events and raises errors."""
    flags = {
        "allow_event_without_transition": False,
        "catch_errors_as_events": False,
        "atomic_configuration_update": True,
    }

    class Strict(StateChart[Any]):
        locals().update(flags)

    class Plain(Strict):
        idle = State(initial=True)
        busy = State()
        flip = Event(idle.to(busy) | busy.to(idle))

    class Hooked(Strict):
        idle = State(initial=True)
        busy = State()
        flip = Event(idle.to(busy, cond="able") | busy.to(idle, cond="able"))
        seen = 0

        def able(self, model: Any) -> bool:
            return model is not None

        def on_enter_state(self) -> None:
            self.seen += 1

        def on_exit_state(self) -> None: ...

    plain, hooked = Plain(), Hooked()
    return Contestant(
        "python-statemachine",
        "python-statemachine",
        lambda: plain.send("flip"),
        lambda: hooked.send("flip"),
        Plain,
        hooked.enabled_events,
    )


class _Door:
    """A model of transitions."""

    seen = 0

    def able(self) -> bool:
        return True

    def entered(self) -> None:
        self.seen += 1

    def left(self) -> None: ...


def _of_transitions(*, hooked: bool) -> tuple[transitions.Machine, Any]:
    door: Any = _Door()
    hooks = {"on_enter": "entered", "on_exit": "left"} if hooked else {}
    guard = {"conditions": "able"} if hooked else {}
    machine = transitions.Machine(
        door,
        states=[{"name": name, **hooks} for name in ("idle", "busy")],
        transitions=[
            {"trigger": "flip", "source": "idle", "dest": "busy", **guard},
            {"trigger": "flip", "source": "busy", "dest": "idle", **guard},
        ],
        initial="idle",
        auto_transitions=False,
    )
    return machine, door


def of_transitions() -> Contestant:
    """Return transitions; a model is added to a machine that is there, as it is meant to be used."""
    machine, plain = _of_transitions(hooked=False)
    declared, hooked = _of_transitions(hooked=True)

    def build() -> None:
        door = _Door()
        machine.add_model(door)
        machine.remove_model(door)

    def allowed() -> list[str]:
        return [name for name in declared.get_triggers(hooked.state) if getattr(hooked, f"may_{name}")()]

    return Contestant(
        "transitions", "transitions", lambda: plain.flip(), lambda: hooked.flip(), build, allowed
    )


def xstate_statemachine() -> Contestant:
    """Return xstate-statemachine, with its interpreter that is not asynchronous."""
    logging.getLogger("xstate_statemachine").setLevel(logging.CRITICAL)

    def config(**more: Any) -> dict[str, Any]:
        guard = {"guard": "able"} if more else {}
        states = {
            name: {**more, "on": {"FLIP": {"target": other, **guard}}}
            for name, other in (("idle", "busy"), ("busy", "idle"))
        }
        return {"id": "door", "initial": "idle", "context": {"seen": 0}, "states": states}

    def entered(_interpreter: Any, context: dict[str, int], _event: Any, _action: Any) -> None:
        context["seen"] += 1

    machine = create_machine(config())
    logic = MachineLogic(
        actions={"entered": entered, "left": lambda *_: None}, guards={"able": lambda *_: True}
    )
    declared = create_machine(config(entry="entered", exit="left"), logic=logic)
    plain, hooked = SyncInterpreter(machine).start(), SyncInterpreter(declared).start()

    def durable(place: Path) -> Work:
        store = FileStore(str(place))

        def work() -> None:
            with persisted(store, "a", machine) as door:
                door.send("FLIP")

        return work

    return Contestant(
        "xstate-statemachine",
        "xstate-statemachine",
        lambda: plain.send("FLIP"),
        lambda: hooked.send("FLIP"),
        lambda: SyncInterpreter(machine).start(),
        lambda: [name for name in ("FLIP",) if hooked.can(name)],
        durable,
    )


@contextmanager
def syncs_counted() -> Iterator[Callable[[], int]]:
    """Count how often a file is forced to the disk."""
    import os

    calls = count()
    kept = {name: getattr(os, name) for name in ("fsync", "fdatasync")}

    def counting(function: Callable[[int], None]) -> Callable[[int], None]:
        def counted(descriptor: int) -> None:
            next(calls)
            function(descriptor)

        return counted

    for name, function in kept.items():
        setattr(os, name, counting(function))
    try:
        yield lambda: next(calls)
    finally:
        for name, function in kept.items():
            setattr(os, name, function)


def contestants() -> list[Contestant]:
    """Return all libraries, this one first."""
    return [ours(), python_statemachine(), of_transitions(), xstate_statemachine()]
