"""An order in three libraries: paid and shipped side by side, paused and taken up again where it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from statemachine import (
    Event as EngineEvent,
    HistoryState as EngineHistory,
    State as EngineState,
    StateChart,
)
from xstate_statemachine import MachineLogic, SyncInterpreter, create_machine

from statechart import Chart, Configuration, Event, HistoryState, State, Timer

Walk = Callable[[], object]

EVENTS = ("place", "authorise", "pack", "pause", "resume", "capture", "deliver", "reopen")
"""What happens to the order, again and again; `deliver` is followed by the done event of both regions."""


class Order(BaseModel, frozen=True):
    state: Configuration | None = None
    total: int = 3


class OrderChart(Chart[Order]):
    draft = State(initial=True)

    class open(State.Parallel):
        class payment(State.Compound):
            awaiting = State(initial=True)
            authorised = State()
            paid = State(final=True)
            authorise = awaiting.to(authorised)
            capture = authorised.to(paid)

        class shipment(State.Compound):
            packing = State(initial=True)
            packed = State()
            delivered = State(final=True)
            pack = packing.to(packed)
            deliver = packed.to(delivered, cond="is_paid")

        where_it_was = HistoryState(type="deep")

    paused = State()
    done = State()
    expired = State(final=True)
    place = draft.to(open)
    pause = open.to(paused)
    resume = paused.to(open.where_it_was)
    done_state_open = open.to(done)
    reopen = done.to(draft)
    expire = Event(open.payment.awaiting.to(expired) | paused.to(expired))
    timers = (
        Timer(open.payment.awaiting, after=timedelta(minutes=30), event=expire),
        Timer(paused, after=timedelta(days=7), event=expire),
    )

    def is_paid(self) -> bool:
        return self.active(OrderChart.open.payment.paid)


def ours() -> Walk:
    """Return the events by this package, with timers."""
    machine = OrderChart()
    events = [OrderChart.event(name) for name in EVENTS]

    def walk() -> None:
        for event in events:
            machine.fire(event)

    return walk


def python_statemachine() -> Walk:
    """Return the events by python-statemachine, which keeps no timers."""

    class Engine(StateChart[Any]):
        allow_event_without_transition = False
        catch_errors_as_events = False
        atomic_configuration_update = True
        draft = EngineState(initial=True)

        class open(EngineState.Parallel):
            class payment(EngineState.Compound):
                awaiting = EngineState(initial=True)
                authorised = EngineState()
                paid = EngineState(final=True)
                authorise = awaiting.to(authorised)
                capture = authorised.to(paid)

            class shipment(EngineState.Compound):
                packing = EngineState(initial=True)
                packed = EngineState()
                delivered = EngineState(final=True)
                pack = packing.to(packed)
                deliver = packed.to(delivered, cond="is_paid")

            where_it_was = EngineHistory(type="deep")

        paused = EngineState()
        done = EngineState()
        place = draft.to(open)
        pause = open.to(paused)
        resume = paused.to(open.where_it_was)
        done_state_open = EngineEvent(open.to(done))
        reopen = done.to(draft)

        def is_paid(self) -> bool:
            return "paid" in self.configuration_values

    machine = Engine()

    def walk() -> None:
        for event in EVENTS:
            machine.send(event)

    return walk


def xstate_statemachine() -> Walk:
    """Return the events by xstate-statemachine, without timers."""
    regions = {
        "payment": {
            "initial": "awaiting",
            "states": {
                "awaiting": {"on": {"authorise": "authorised"}},
                "authorised": {"on": {"capture": "paid"}},
                "paid": {"type": "final"},
            },
        },
        "shipment": {
            "initial": "packing",
            "states": {
                "packing": {"on": {"pack": "packed"}},
                "packed": {"on": {"deliver": {"target": "delivered", "guard": "is_paid"}}},
                "delivered": {"type": "final"},
            },
        },
    }
    config = {
        "id": "order",
        "initial": "draft",
        "states": {
            "draft": {"on": {"place": "open"}},
            "open": {
                "initial": "work",
                "on": {"pause": "paused"},
                "states": {
                    "work": {"type": "parallel", "states": regions, "onDone": "#order.done"},
                    "where_it_was": {"type": "history", "history": "deep"},
                },
            },
            "paused": {"on": {"resume": "#order.open.where_it_was"}},
            "done": {"on": {"reopen": "draft"}},
        },
    }
    machine = create_machine(config, logic=MachineLogic(guards={"is_paid": lambda *_: True}))
    running = SyncInterpreter(machine).start()

    def walk() -> None:
        for event in EVENTS:
            running.send(event)

    walk()
    assert running.matches("draft")
    return walk
