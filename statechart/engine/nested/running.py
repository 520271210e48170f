"""Run macrosteps on a machine: with its draft, its commit and its log, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from statechart.engine.calls import Lacking
from statechart.engine.declaration.timers import Due
from statechart.engine.hooks import Transition
from statechart.engine.nested.form import Standing
from statechart.engine.nested.macrostep import Macrostep, now
from statechart.engine.nested.program import NestedProgram
from statechart.engine.refusals import require_fitting
from statechart.errors import ChartDefinitionError, NestedFire, UnknownEvent

if TYPE_CHECKING:
    from statechart.engine.declaration.timers import Alarm
    from statechart.engine.hooks import Firing
    from statechart.engine.program import Step

AnyMachine = Any
"""A `statechart.engine.machines.machine.Machine`, which imports this."""


def program_of(machine: AnyMachine) -> NestedProgram:
    """Return the program of a machine whose events take macrosteps."""
    found = machine._program
    assert isinstance(found, NestedProgram)
    return found


def standing_of(machine: AnyMachine) -> Standing:
    """Return where a machine is: where its event has led so far, or where its model says.

    Raises:
        UnknownState: The chart has no such state, or can't be in such a configuration.
    """
    if machine._macrostep is not None:
        macrostep: Macrostep = machine._macrostep
        return macrostep.standing
    return program_of(machine).form.read(machine._held.state)


def steps_of(machine: AnyMachine, event: str) -> tuple[Step, ...]:
    """Return the transitions of an event from the present configuration, as they are tried."""
    program, standing = program_of(machine), standing_of(machine)
    chains = program.chains(standing.active, event)
    steps = dict.fromkeys(step for chain in chains for step in chain)
    return tuple(program.whole(step, standing) for step in steps)


def start(machine: AnyMachine) -> None:
    """Enter the initial configuration and come to rest, without a commit."""
    model, keeper, chart = machine.model, machine._keeper, type(machine).__name__
    program = program_of(machine)
    draft, saved = keeper.draft(model), keeper.saved(model)
    at = machine._at or now()
    macrostep = Macrostep(
        program, Standing(0, {}, {}), "__initial__", at=at, subject=machine._subject or chart
    )
    try:
        machine._macrostep = macrostep
        machine.__dict__["model"] = draft
        macrostep.begin(
            machine._owners, lambda standing: keeper.assign(draft, program.form.state(standing))
        )
        state = program.form.state(macrostep.standing)
        keeper.assign(draft, state)
    except BaseException as error:
        keeper.restore(model, None, saved)
        if isinstance(error, Lacking):
            raise ChartDefinitionError(
                f"chart {chart}: {error.name} takes {', '.join(error.lacking)}, but the initial state is "
                "entered without an event: give a default value"
            ) from error.with_traceback(None)
        raise
    finally:
        machine._macrostep = None
        machine.__dict__["model"] = model
    value = keeper.entered(keeper.left(model, draft), state)
    machine.__dict__["model"] = keeper.adopted(model, value)
    if len(macrostep.steps) > 1:
        machine._tell_begun(tuple(macrostep.steps), frozenset(macrostep.later))
    with suppress(Exception):
        macrostep.finish(machine._owners)


def fire(
    machine: AnyMachine, event: str, payload: dict[str, Any], timer: str | None = None
) -> Transition | None:
    """Take a macrostep, and commit it; None if no transition of the event is open.

    With a timer, its event lapses instead of being refused.

    Raises:
        MissingPayload: A guard or hook needs a payload keyword that was not given.
        InvalidPayload: A payload keyword is of another type than a guard or hook declares.
        Unstable: The microsteps do not end.
    """
    __tracebackhide__ = True
    hooks, keeper, model = machine._hooks, machine._keeper, machine.model
    chart, own = type(machine), machine.__dict__  # whose `__setattr__` asks a lot
    if hooks.firing is not None:
        raise NestedFire(chart.__name__, event)
    program = program_of(machine)
    held = machine._held.state
    before = program.form.read(held)
    if payload:
        machine._check_payload(event, payload)
        steps = steps_of(machine, event)
        if steps:
            require_fitting(chart.__name__, event, steps, payload)
    firing: Firing = machine._begun(event, payload, program.form.text(before.active))
    at = machine._at or now()
    macrostep = Macrostep(program, before, event, at=at, subject=firing.subject or chart.__name__)
    run = _Run(machine, program, macrostep, firing, timer)
    saved = keeper.saved(model) if program.calls else None
    try:
        hooks.firing = firing
        own["_macrostep"] = macrostep
        if program.calls:
            firing.draft = own["model"] = keeper.draft(model)
        run.take(payload)
        if firing.transition is None:  # what a validator changed before the refusal
            own["model"] = model
            keeper.restore(model, held, saved)
    except BaseException as error:
        own["_macrostep"] = None
        machine._failed(firing, error, held, saved, macrostep.microstep)
    finally:
        hooks.firing = own["_macrostep"] = None
        own["_guards"], own["_later"] = macrostep.guards, frozenset(macrostep.later)
    return firing.transition


class _Run:
    """A macrostep of a machine."""

    def __init__(
        self,
        machine: AnyMachine,
        program: NestedProgram,
        macrostep: Macrostep,
        firing: Firing,
        timer: str | None,
    ) -> None:
        self._machine = machine
        self._program = program
        self._macrostep = macrostep
        self._firing = firing
        self._timer = timer
        self._held: object = machine._held.state
        self._shown: object = self._held

    def take(self, payload: Mapping[str, Any]) -> None:
        """Take the macrostep, commit it, and call the hooks that follow."""
        machine, macrostep, firing = self._machine, self._macrostep, self._firing
        if self._timer is not None:
            macrostep.without_timer(self._timer)
        owners = machine._owners
        taken = macrostep.take(owners, payload, self._assign)
        if not taken and self._timer is None:
            return
        if not machine._keeper.drafts:
            machine._require_kept(firing.model, self._shown)
            self._assign(macrostep.standing)
        transition = macrostep.transition(firing, self._held, self._timer, lapsed=not taken)
        machine._hooks.commit(firing, transition)
        macrostep.is_committed = True
        machine.__dict__["model"] = machine._adopted(firing)
        if macrostep.has_after:
            machine._finished(firing, lambda: macrostep.finish(machine._owners))

    def _assign(self, standing: Standing) -> None:
        """Show hooks where the machine is."""
        machine, firing = self._machine, self._firing
        keeper = machine._keeper
        draft = firing.model if firing.draft is None and not keeper.drafts else firing.draft
        if draft is not None:
            self._shown = self._program.form.state(standing)
            keeper.assign(draft, self._shown)


def raise_(machine: AnyMachine, event: str, payload: Mapping[str, Any]) -> None:
    """Have an event join the macrostep that is under way.

    Raises:
        UnknownEvent: The chart has no such event.
        NestedFire: The event is committed already, as in an `after_` hook.
    """
    chart = type(machine)
    macrostep = machine._macrostep
    if event not in chart._declared:
        raise UnknownEvent(chart.__name__, event, chart._declared)
    if macrostep is None or macrostep.is_committed:
        is_unseen = not chart._is_stepwise and machine._hooks.firing is not None
        raise NestedFire(chart.__name__, event, raised_elsewhere=is_unseen)
    if payload:
        machine._check_payload(event, payload)
    macrostep.raise_(event, payload)


def due(machine: AnyMachine, at: datetime) -> tuple[Due, ...]:
    """Return the timers of a machine that are due, the earliest first."""
    return due_of(type(machine)._alarms, standing_of(machine).timers, at)


def due_of(alarms: Mapping[str, Alarm], timers: Mapping[str, datetime], at: datetime) -> tuple[Due, ...]:
    """Return the timers that are due at a moment, the earliest first."""
    found = [Due(name, alarms[name].event, deadline) for name, deadline in timers.items() if deadline <= at]
    return tuple(sorted(found, key=lambda each: (each.at, each.timer)))


def cancelled(alarms: Mapping[str, Alarm], transition: Transition) -> tuple[str, ...]:
    """Return the timers that ran before a transition, and whose states were left by it, sorted."""
    if transition.before is None or transition.after is None:
        return ()
    ended = set(transition.before.timers) - {transition.timer}
    left = {text for step in transition.steps for text in step.exited}
    return tuple(sorted(name for name in ended if alarms[name].owner in left))
