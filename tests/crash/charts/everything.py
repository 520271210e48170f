"""A chart with everything in it, walked the same way in memory and on disk."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from warnings import catch_warnings, simplefilter

from pydantic import BaseModel

from statechart import Chart, ChartWarning, Configuration, Event, HistoryState, State, Timer
from statechart.firing import _SessionCommit, due
from statechart.storage.session import Session

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAME = "a-1"


class Item(BaseModel, frozen=True):
    """What the chart is about."""

    state: Configuration | None = None
    count: int = 0
    notes: tuple[str, ...] = ()


with catch_warnings():
    simplefilter("ignore", ChartWarning)  # a timer may lapse

    class Everything(Chart[Item]):
        """Regions, compounds in them, both histories, done events, transitions without an event, timers."""

        idle = State(initial=True)

        class live(State.Compound):
            class work(State.Parallel):
                class left(State.Compound):
                    l1 = State(initial=True)

                    class l2(State.Compound):
                        m1 = State(initial=True)
                        m2 = State()
                        m3 = State(final=True)
                        m1.to.itself(event="again")
                        move = m1.to(m2) | m2.to(m3)

                    l3 = State(final=True)
                    near = HistoryState()
                    step = l1.to(l2)
                    done_state_l2 = l2.to(l3)

                class right(State.Compound):
                    r1 = State(initial=True)
                    r2 = State()
                    r3 = State(final=True)
                    move = r1.to(r2)
                    echo = Event(r2.to(r1), internal=True)
                    finish = r2.to(r3)

                where = HistoryState(type="deep")

            proof = State()
            checked = State()
            proof.to(checked, cond="is_counted")
            done_state_work = work.to(proof)
            nudge = work.to.itself(internal=True, on="pass_on") | checked.to(proof)

        paused = State()
        gone = State()
        begin = idle.to(live)
        pause = live.to(paused)
        resume = paused.to(live.work.where)
        look = paused.to(live.work.left.near)
        expire = Event(live.work.left.l1.to(live.checked) | live.checked.to(gone) | paused.to(gone))
        remind = live.to(None, on="note", cond="is_even")
        restart = gone.to(idle) | live.checked.to(live)

        timers = (
            Timer(live.work.left.l1, after=timedelta(minutes=30), event=expire),
            Timer(live, after=lambda model: timedelta(hours=1 + model.count % 5), event=remind),
            Timer(live.checked, after=timedelta(hours=2), event=expire),
            Timer(paused, after=timedelta(days=1), event=expire),
            Timer(live.work.right.r2, after=timedelta(minutes=90), event="finish"),
        )

        def is_counted(self, model: Item) -> bool:
            return model.count >= 0

        def is_even(self, model: Item) -> bool:
            return model.count % 2 == 0

        def pass_on(self) -> None:
            self.raise_("echo")

        def note(self, model: Any) -> None:
            model.notes = (*model.notes[-3:], f"reminded at {model.count}")

        def before_transition(self, model: Any) -> None:
            model.count += 1

        def on_exit_state(self, model: Any, state: State) -> None:
            model.notes = (*model.notes[-3:], f"left {state.id}")

        def on_transition(self, model: Any) -> None:
            model.count += 1

        def on_enter_state(self, model: Any) -> None:
            model.count += 1


_OFTEN = {"begin": 9, "restart": 9, "step": 6, "move": 9, "finish": 6, "resume": 6, "look": 6}


@dataclass(frozen=True)
class Act:
    """What happens to the value at a moment: an event, or the first timer that is due."""

    at: datetime
    event: str | None


def walk(seed: int, length: int) -> tuple[list[Act], list[Item]]:
    """Return acts that the chart allows, and the value before each and after the last."""
    chance = random.Random(seed)
    at = NOW
    value = Item(state=Everything.initial(at))
    acts: list[Act] = []
    values = [value]
    while len(acts) < length:
        at += timedelta(minutes=chance.choice((1, 1, 5, 20, 60)))
        while len(acts) < length and due(Everything, value, at):
            acts.append(Act(at, None))
            value = done(acts[-1], value)
            values.append(value)
        if len(acts) < length:
            events = machine_of(value, at).enabled()
            acts.append(Act(at, chance.choices(events, [_OFTEN.get(event, 1) for event in events])[0]))
            value = done(acts[-1], value)
            values.append(value)
    return acts, values


def machine_of(value: Item, at: datetime, session: Session[Item] | None = None) -> Everything:
    commit = None if session is None else _SessionCommit(session, Everything)
    return Everything.bound(value, subject=NAME, commit=commit, at=at)


def done(act: Act, value: Item, session: Session[Item] | None = None) -> Item:
    """Do what happens, in memory or in a session, and return the value afterwards."""
    machine = machine_of(value, act.at, session)
    if act.event is None:
        (transition,) = machine.fire_due(act.at, limit=1)
    else:
        transition = machine.fire(Everything.event(act.event))
    return session.value if session is not None else transition.value
