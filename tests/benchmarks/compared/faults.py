"""What each library does when something goes wrong: seen, by doing it."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import transitions
from pydantic import BaseModel
from statemachine import State, StateChart
from xstate_statemachine import MachineLogic, SyncInterpreter, create_machine
from xstate_statemachine.persistence import FileStore, persisted

from statechart import Chart, ChartRepository

NOTHING = "stores nothing itself"


class Disk(OSError):
    """The error of a hook."""


def observed(act: Callable[[], object], state: Callable[[], object], seen: Callable[[], int]) -> str:
    """Fire an event whose entry hook changes data and then raises; tell what is left of it."""
    try:
        act()
        raised = "no error"
    except Disk:
        raised = "raises"
    return f"{raised}, {state()} state, data {'changed' if seen() else 'as before'}"


def refused(act: Callable[[], object]) -> str:
    """Fire an event that is not allowed; tell the answer."""
    try:
        act()
    except Exception as error:  # of whatever class: the name is the answer
        return f"raises {type(error).__name__}"
    return "ignored"


def _word(state: str) -> str:
    return {"idle": "old", "busy": "new"}[state]


class Door(BaseModel):
    """A recorded door."""

    state: str = "idle"
    seen: int = 0


class OurDoor(Chart[Door]):
    """A door whose entry hook does as it is told."""

    record_payload = False  # a function is not JSON

    idle = State(initial=True)
    busy = State()
    flip = idle.to(busy)
    back = busy.to(idle)

    def on_enter_busy(self, model: Any, act: Callable[[], None] | None = None) -> None:
        model.seen += 1
        if act is not None:
            act()


def fail() -> None:
    """Raise the error of a hook."""
    raise Disk("disk full")


def kill() -> None:
    """End this process at once, as a crash does."""
    os.kill(os.getpid(), signal.SIGKILL)


def ours() -> dict[str, str]:
    """Tell what this package does."""
    model = Door()
    machine = OurDoor(model)
    return {
        "refused": refused(lambda: machine.fire(OurDoor.back)),
        "hook": observed(
            lambda: machine.fire(OurDoor.flip, act=fail), lambda: _word(model.state), lambda: model.seen
        ),
        "killed in a hook": killed(_ours_in_a_hook, _ours_after),
        "killed afterwards": killed(_ours_afterwards, _ours_after),
    }


def _ours_in_a_hook(place: Path) -> None:
    doors = ChartRepository(place, OurDoor)
    doors.create("a", Door())
    doors.fire("a", OurDoor.flip, act=kill)


def _ours_afterwards(place: Path) -> None:
    doors = ChartRepository(place, OurDoor)
    doors.create("a", Door())
    doors.fire("a", OurDoor.flip)
    kill()


def _ours_after(place: Path) -> str:
    return f"{_word(ChartRepository(place, OurDoor).load('a').state)} state"


def killed(act: Callable[[Path], None], after: Callable[[Path], str]) -> str:
    """Run a process that is killed; tell what another one finds."""
    with tempfile.TemporaryDirectory() as place:
        process = multiprocessing.get_context("fork").Process(target=act, args=(Path(place) / "doors",))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL, process.exitcode
        return after(Path(place) / "doors")


def python_statemachine() -> dict[str, str]:
    """Tell what python-statemachine does, with its own flags and with strict ones."""

    def door(**flags: bool) -> tuple[Any, SimpleNamespace]:
        body: dict[str, Any] = {"idle": State(initial=True), "busy": State(), **flags}
        body |= {"flip": body["idle"].to(body["busy"]), "back": body["busy"].to(body["idle"])}

        def on_enter_busy(self: Any, model: Any) -> None:
            model.seen += 1
            fail()

        model = SimpleNamespace(state="idle", seen=0)
        made: Any = type(StateChart)("Door", (StateChart,), {**body, "on_enter_busy": on_enter_busy})
        return made(model), model

    strict = {
        "allow_event_without_transition": False,
        "catch_errors_as_events": False,
        "atomic_configuration_update": True,
    }
    told: dict[str, list[str]] = {"refused": [], "hook": []}
    for flags in ({}, strict):
        machine, model = door(**flags)
        told["refused"].append(refused(lambda: machine.send("back")))  # noqa: B023
        told["hook"].append(
            observed(lambda: machine.send("flip"), lambda: _word(model.state), lambda: model.seen)  # noqa: B023
        )
    names = {key: f"{default}; strict flags: {other}" for key, (default, other) in told.items()}
    return names | {"killed in a hook": NOTHING, "killed afterwards": NOTHING}


def of_transitions() -> dict[str, str]:
    """Tell what transitions does."""

    class Model:
        seen = 0
        state: str

        def entered(self) -> None:
            self.seen += 1
            fail()

    model: Any = Model()
    transitions.Machine(
        model,
        states=["idle", {"name": "busy", "on_enter": "entered"}],
        transitions=[
            {"trigger": "flip", "source": "idle", "dest": "busy"},
            {"trigger": "back", "source": "busy", "dest": "idle"},
        ],
        initial="idle",
    )
    return {
        "refused": refused(lambda: model.back()),
        "hook": observed(lambda: model.flip(), lambda: _word(model.state), lambda: model.seen),
        "killed in a hook": NOTHING,
        "killed afterwards": NOTHING,
    }


def _machine(act: Callable[[], None]) -> Any:
    def entered(_interpreter: Any, context: dict[str, int], _event: Any, _action: Any) -> None:
        context["seen"] += 1
        act()

    states = {
        "idle": {"on": {"FLIP": "busy"}},
        "busy": {"entry": "entered", "on": {"BACK": "idle"}},
    }
    config = {"id": "door", "initial": "idle", "context": {"seen": 0}, "states": states}
    return create_machine(config, logic=MachineLogic(actions={"entered": entered}))


def _xstate_in_a_hook(place: Path) -> None:
    with persisted(FileStore(str(place)), "a", _machine(kill)) as door:
        door.send("FLIP")


def _xstate_afterwards(place: Path) -> None:
    with persisted(FileStore(str(place)), "a", _machine(lambda: None)) as door:
        door.send("FLIP")
        kill()


def _xstate_after(place: Path) -> str:
    store = FileStore(str(place))
    if store.load("a") is None:
        return "old state (nothing was saved yet)"
    with persisted(store, "a", _machine(lambda: None)) as door:
        (state,) = door.current_state_ids
    return f"{_word(state.removeprefix('door.'))} state"


def xstate_statemachine() -> dict[str, str]:
    """Tell what xstate-statemachine does, with its default policy."""
    logging.getLogger("xstate_statemachine").setLevel(logging.CRITICAL + 1)
    door = SyncInterpreter(_machine(fail)).start()

    def state() -> str:
        (held,) = door.current_state_ids
        return _word(held.removeprefix("door."))

    return {
        "refused": refused(lambda: door.send("BACK")),
        "hook": observed(lambda: door.send("FLIP"), state, lambda: door.context["seen"]),
        "killed in a hook": killed(_xstate_in_a_hook, _xstate_after),
        "killed afterwards": killed(_xstate_afterwards, _xstate_after),
    }


def faults() -> dict[str, dict[str, str]]:
    """Return, by library, the answer to each fault."""
    return {
        "statechart": ours(),
        "python-statemachine": python_statemachine(),
        "transitions": of_transitions(),
        "xstate-statemachine": xstate_statemachine(),
    }
