"""List the events that a machine allows now, and the reasons against the others, for each active state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from statechart.engine.nested.form import Standing
from statechart.engine.nested.macrostep import LIMIT, Macrostep, now
from statechart.engine.nested.running import program_of, standing_of, steps_of
from statechart.engine.refusals import answers, is_open, reason
from statechart.engine.table import bits
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.engine.program import Step
    from statechart.engine.table import Plan

AnyMachine = Any
"""A `statechart.engine.machines.machine.Machine`, which imports this."""


@contextmanager
def resting(machine: AnyMachine) -> Iterator[None]:
    """Have a machine stand where it comes to rest, while it is asked what it allows.

    A value may have been created or migrated where a transition without an event leads on. The next event
    takes that first, so that its own transition is one from there. Hooks do not run.
    """
    if machine._macrostep is not None or not getattr(machine._program, "has_eventless", False):
        yield
        return
    own = machine.__dict__  # whose `__setattr__` asks a lot
    try:
        standing = standing_of(machine)
        for _ in range(LIMIT):
            steps = chosen(machine, None, {})
            if not steps:
                break
            plan = planned(machine, steps)
            standing = Standing(
                plan.configuration, {**standing.history, **plan.remembered}, standing.timers
            )
            subject = machine._subject or type(machine).__name__
            own["_macrostep"] = Macrostep(program_of(machine), standing, "", at=now(), subject=subject)
        yield
    finally:
        own["_macrostep"] = None


def enabled(machine: AnyMachine, payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the events that the present configuration and the guards allow, as declared."""
    with resting(machine):
        owners = machine._seeing()
        return tuple(
            event
            for event in type(machine)._outer
            if any(is_open(owners, step, payload) for step in steps_of(machine, event))
        )


def refusals(machine: AnyMachine, payload: Mapping[str, Any]) -> dict[str, str]:
    """Return the events that are not allowed now, as declared, each with the reason."""
    found = {}
    with resting(machine):
        state = machine._state_text
        for event, by_leaf in refused(machine, payload).items():
            reasons = dict.fromkeys(by_leaf.values())
            if len(reasons) > 1:
                found[event] = "; ".join(f"in {leaf}: {why}" for leaf, why in by_leaf.items())
            else:
                found[event] = next(iter(reasons), f"not declared in state {state}")
    return found


def refused(machine: AnyMachine, payload: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the events that are not allowed now, as declared, with the reason of each leaf that refuses.

    A leaf is an active state without states within it. Those with no transition of the event, from
    themselves or a state around them, have no reason.
    """
    found = {}
    with resting(machine):
        owners = machine._seeing()
        for event in type(machine)._outer:
            if not any(is_open(owners, step, payload) for step in steps_of(machine, event)):
                found[event] = {leaf: why for leaf, _, why in tried(machine, event, payload)}
    return found


def tried(machine: AnyMachine, event: str, payload: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield each leaf that refuses an event, with the targets of the transitions tried, and the reason."""
    owners = machine._seeing()
    program, standing = program_of(machine), standing_of(machine)
    for leaf in bits(standing.active & program.table.leaves):
        for chain in program.chains(program.table.path(leaf), event):
            reasons = {step: reason(owners, program.whole(step, standing), payload) for step in chain}
            told = dict.fromkeys(why for why in reasons.values() if why is not None)
            if told and None not in reasons.values():
                targets = dict.fromkeys(state_text(step.target.value) for step in reasons)
                yield program.form.texts(1 << leaf)[0], " or ".join(targets), " or ".join(told)


def chosen(machine: AnyMachine, event: str | None, payload: Mapping[str, Any]) -> list[Step]:
    """Return the transitions that an event, or None, takes now, as the guards say."""
    owners = machine._seeing()
    program, standing = program_of(machine), standing_of(machine)
    found: list[Step] = []
    for chain in program.chains(standing.active, event):
        step = next(
            (step for step in chain if is_open(owners, program.whole(step, standing), payload)), None
        )
        if step is not None and step not in found:
            found.append(step)
    return program.settled(found, standing)


def planned(machine: AnyMachine, steps: list[Step]) -> Plan:
    """Return the effect of transitions on the present configuration."""
    return program_of(machine).plan(steps, standing_of(machine))


def asked(machine: AnyMachine, event: str, payload: Mapping[str, Any]) -> dict[str, bool]:
    """Return the answers of the guards of an event's transitions."""
    owners = machine._seeing()
    return {
        str(guard.spec): agrees
        for step in steps_of(machine, event)
        for guard, agrees in answers(owners, step, payload)
    }
