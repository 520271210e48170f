"""Compare a recorded macrostep with the chart: its transitions, its history values and its timers.

Guards are not asked: a transition with a guard may be taken or refused, one without has to be taken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from statechart.engine.hooks import Microstep
from statechart.engine.nested import asking
from statechart.engine.nested.form import Form, Standing
from statechart.engine.nested.selections import TooMany, after, selections
from statechart.engine.table import Plan, Table, Way
from statechart.errors import UnknownState
from statechart.graph import outcomes
from statechart.storage.chain import LAPSED
from statechart.wording import listed, state_text

if TYPE_CHECKING:
    from statechart.chart import Chart
    from statechart.engine.declaration.timers import Alarm
    from statechart.storage.record import Record

ALWAYS = "a transition without an event"


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """A microstep as a record has it."""

    event: str | None
    exited: tuple[str, ...]
    entered: tuple[str, ...]

    @classmethod
    def of(cls, document: Any) -> Self:  # Any: JSON
        """Return the step of a record's JSON."""
        found = document if isinstance(document, Mapping) else {}
        exited, entered = (_named(found.get(key)) for key in ("exited", "entered"))
        event = found.get("event")
        return cls(None if event is None else str(event), exited, entered)

    def __str__(self) -> str:
        return f"{self.event or ALWAYS} (left {listed(self.exited)}; entered {listed(self.entered)})"


class Misfit(Exception):
    """A record does not fit the chart; the message says why, as a clause."""


@dataclass(slots=True)
class Macrostep:
    """A recorded macrostep, on its way through today's chart.

    Attributes:
        chart: The chart.
        record: The record, of a transition or of a lapsed timer.
        standing: Where the value is.
        steps: The microsteps that were followed, with their transitions.
    """

    chart: type[Chart]
    record: Record
    standing: Standing
    steps: list[Microstep] = field(default_factory=list)
    _raised: deque[str] = field(default_factory=deque)
    _begun: dict[str, Alarm] = field(default_factory=dict)

    @property
    def _table(self) -> Table:
        found: Table = vars(self.chart)["_table"]
        return found

    @property
    def _form(self) -> Form:
        found: Form = vars(self.chart)["_form"]
        return found

    @property
    def event(self) -> str:
        """The event of the record."""
        return str(self.record.data.get("event"))

    def follow(self, there: Standing) -> None:
        """Follow the record to where it leads.

        Raises:
            Misfit: Today's chart does not have such a macrostep.
            TooMany: Its guards have too many possible answers.
        """
        self._fire_timer()
        if "steps" not in self.record.data and self.record.type != LAPSED:
            self._lead(there)
            return
        self._take(_steps(self.record))
        self._require_active(there)
        self._require_history(there)
        self._require_timers(there)

    def _fire_timer(self) -> None:
        """End the timer that fired the event."""
        timer = self.record.data.get("timer")
        if timer is None:
            if self.record.type == LAPSED:
                raise Misfit("which names no timer")
            if self.event not in self.chart._outer:
                inner = self.event in self.chart._declared
                what = "can be raised by the chart only" if inner else "is no event of today's chart"
                raise Misfit(f"and {self.event} {what}")
            if self.record.data.get("due") is not None:
                raise Misfit("at the deadline of a timer, which it does not name")
            return
        alarm = self.chart._alarms.get(str(timer))
        if alarm is None:
            raise Misfit(f"by the timer {timer}, which today's chart does not have")
        if alarm.event != self.event:
            raise Misfit(f"by the timer {timer}, which fires {alarm.event}")
        deadline = self.standing.timers.get(alarm.name)
        if deadline is None:
            raise Misfit(f"by the timer {timer}, which did not run")
        due = _moment(self.record.data.get("due"))
        if due != deadline:
            raise Misfit(f"by the timer {timer}, whose deadline was {deadline}, and not {due}")
        if deadline > self.record.at:
            raise Misfit(f"by the timer {timer} at {self.record.at}, before its deadline {deadline}")
        timers = {name: at for name, at in self.standing.timers.items() if name != alarm.name}
        self.standing = self.standing._replace(timers=timers)

    def _lead(self, there: Standing) -> None:
        """Check a record without steps, written when an event took one microstep."""
        leads = outcomes(self.chart, self._form.state(self.standing)).get(self.event)
        if not leads:
            raise Misfit("which today's chart does not have")
        if self._form.text(there.active) not in leads:
            raise Misfit(f"which leads to {listed(leads)} in today's chart")

    def _take(self, steps: Sequence[RecordedStep]) -> None:
        fired = False
        for step in steps:
            if not fired and step.event == self.event:
                self._require_rest("before it")
                fired = True
            elif step.event is not None:
                self._take_raised(step.event)
            self._step(step)
        if not fired and self.record.type != LAPSED:
            raise Misfit(f"whose steps do not have {self.event}")
        if not fired and () not in self._selections(self.event):
            raise Misfit("although today's chart takes it, without a guard")
        self._require_rest("at the end")
        for event in self._raised:
            self._require_dropped(event)

    def _take_raised(self, event: str) -> None:
        """Take an event that the chart raised out of the queue."""
        self._require_rest(f"before {event}")
        if event not in self._raised:
            if event.startswith("done."):
                raise Misfit(f"whose step {event} nothing raised")
            if event not in self.chart._declared:
                raise Misfit(f"whose step {event} is no event of today's chart")
            return  # of a hook, which may raise any event
        while (dropped := self._raised.popleft()) != event:
            self._require_dropped(dropped)

    def _require_rest(self, when: str) -> None:
        if () not in self._selections(None):
            raise Misfit(f"which {when} leaves out {ALWAYS} that today's chart takes, without a guard")

    def _require_dropped(self, event: str) -> None:
        if () not in self._selections(event):
            raise Misfit(f"which leaves out {event}, which today's chart takes, without a guard")

    def _selections(self, event: str | None) -> tuple[tuple[Any, ...], ...]:
        return selections(self._table, self.standing.active, event, self.standing.history)

    def _step(self, step: RecordedStep) -> None:
        history = self.standing.history
        for ways in self._selections(step.event):
            plan = self._table.plan(self.standing.active, ways, history) if ways else None
            if plan is not None and (_texts(plan.exits), _texts(plan.entries)) == (
                step.exited,
                step.entered,
            ):
                break
        else:
            raise Misfit(f"whose step {step} is no enabled transition of today's chart")
        self.steps.append(self._told(step, ways, plan))
        self.standing = after(self.standing, plan)
        self._raised += [
            event for node, _ in plan.entries for event in self._table.done_events(node, plan.configuration)
        ]
        self._keep_timers(plan)

    def _told(self, step: RecordedStep, ways: Sequence[Way], plan: Plan) -> Microstep:
        texts = [state_text(node.state.value) for node in self._table.nodes]
        taken = tuple((texts[way.source], tuple(texts[target] for target in way.targets)) for way in ways)
        recalled = tuple((texts[memory], remembered) for memory, remembered in plan.recalled.items())
        return Microstep(step.event, step.exited, step.entered, taken, recalled)

    def _keep_timers(self, plan: Plan) -> None:
        """End the timers of states that are left, and begin those of states that are entered."""
        left, entered = set(_texts(plan.exits)), set(_texts(plan.entries))
        timers = dict(self.standing.timers)
        for alarm in self.chart._alarms.values():
            if alarm.owner in left:
                timers.pop(alarm.name, None)
                self._begun.pop(alarm.name, None)
            if alarm.owner in entered:
                self._begun[alarm.name] = alarm
        self.standing = self.standing._replace(timers=timers)

    def _require_active(self, there: Standing) -> None:
        if there.active != self.standing.active:
            leads = self._form.text(self.standing.active)
            raise Misfit(f"whose steps lead to {leads}")

    def _require_history(self, there: Standing) -> None:
        for memory in sorted({*there.history, *self.standing.history}):
            kept, led = (
                listed(self._form.texts(each.history.get(memory, 0))) for each in (there, self.standing)
            )
            if kept != led:
                name = self._form.texts(1 << memory)[0]
                raise Misfit(f"after which {name} remembers {kept}, where its steps lead to {led}")

    def _require_timers(self, there: Standing) -> None:
        for name, deadline in there.timers.items():
            begun = self._begun.get(name)
            if begun is not None:
                if deadline <= self.record.at:
                    raise Misfit(f"after which the timer {name} is due at {deadline}, before it began")
            elif name not in self.standing.timers:
                raise Misfit(f"after which the timer {name} runs, although its state was not entered")
            elif deadline != self.standing.timers[name]:
                raise Misfit(
                    f"after which the deadline of the timer {name} is {deadline}, instead of "
                    f"{self.standing.timers[name]}"
                )
        for name in {**self.standing.timers, **self._begun}:
            if name not in there.timers:
                why = "was entered" if name in self._begun else "was not left"
                raise Misfit(f"after which the timer {name} does not run, although its state {why}")


def macrostep_problem(
    chart: type[Chart], record: Record, before: object, after: object
) -> tuple[str | None, bool]:
    """Return why a record does not fit today's chart, or None, and whether it could be followed.

    Args:
        chart: A chart whose events take macrosteps.
        record: The record, of a transition or of a lapsed timer.
        before: The state of the value before the record, which the chart has.
        after: The state of the value of the record, likewise.
    """
    form: Form = vars(chart)["_form"]
    here, there = form.read(before), form.read(after)
    data = record.data
    left, entered = str(data.get("from_state")), str(data.get("to_state"))
    taken = f"{data.get('event')}: {left} → {entered}"
    if left != form.text(here.active):
        return f"{taken}, but the state before it was {form.text(here.active)}", True
    if entered != form.text(there.active):
        return f"{taken}, but the state after it is {form.text(there.active)}", True
    try:
        Macrostep(chart, record, here).follow(there)
    except Misfit as misfit:
        return f"{taken}, {misfit}", True
    except TooMany:
        return None, False
    return None, True


def asked_again(machine: Chart, record: Record, payload: Mapping[str, Any]) -> str | None:
    """Return the objection of today's guards to a recorded macrostep, as a clause, or None.

    They are asked about its event, and not about what follows: hooks that run in between are not run.

    Raises:
        InvalidTransition: They refuse it.
        MissingPayload: They need a payload that was not recorded.
    """
    event = str(record.data.get("event"))
    steps = _steps(record)
    if steps and steps[0].event != event:
        return None  # transitions without an event came first, and what they changed is not known
    if record.data.get("timer") is None:
        machine.require(machine.event(event), **payload)
    chosen = asking.chosen(machine, event, payload)
    if record.type == LAPSED:
        return "which today's guards let through" if chosen else None
    if not chosen:
        reasons = [why for _, _, why in asking.tried(machine, event, payload)]
        return f"which today's chart refuses: {listed(dict.fromkeys(reasons))}"
    plan = asking.planned(machine, chosen)
    led = RecordedStep(event, _texts(plan.exits), _texts(plan.entries))
    return None if not steps or led == steps[0] else f"which today's guards lead to {led}"


def microsteps(chart: type[Chart], record: Record, before: object) -> tuple[Microstep, ...]:
    """Return the microsteps of a recorded transition, with the transitions of today's chart.

    Nothing if today's chart has them no more.

    Args:
        chart: A chart whose events take macrosteps.
        record: The record.
        before: The state of the value before the record.
    """
    form: Form = vars(chart)["_form"]
    try:
        found = Macrostep(chart, record, form.read(before))
        for step in _steps(record):
            found._step(step)
    except (Misfit, TooMany, UnknownState):
        return ()
    return tuple(found.steps)


def _steps(record: Record) -> list[RecordedStep]:
    found = record.data.get("steps")
    return [RecordedStep.of(each) for each in found] if isinstance(found, list) else []


def _named(states: object) -> tuple[str, ...]:
    """Return the names of a list; anything else is one, which no state has."""
    return tuple(map(str, states)) if isinstance(states, list) else (str(states),)


def _texts(nodes: Any) -> tuple[str, ...]:  # Any: nodes, each with its transition
    return tuple(state_text(node.state.value) for node, _ in nodes)


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
