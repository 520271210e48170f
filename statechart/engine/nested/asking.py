"""Ask a machine what it allows now, and why not, for each active state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from statechart.engine.nested.running import program_of, standing_of
from statechart.engine.refusals import answers, is_open, reason
from statechart.wording import state_text

if TYPE_CHECKING:
    from statechart.engine.program import Step

AnyMachine = Any
"""A `statechart.engine.machine.Machine`, which imports this."""


def steps_of(machine: AnyMachine, event: str) -> tuple[Step, ...]:
    """Return the transitions of an event from the present configuration, as they are tried."""
    chains = program_of(machine).chains(standing_of(machine).active, event)
    return tuple(dict.fromkeys(step for chain in chains for step in chain))


def enabled(machine: AnyMachine, payload: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the events that the present configuration and the guards allow, as declared."""
    owners = machine._seeing()
    return tuple(
        event
        for event in type(machine)._outer
        if any(is_open(owners, step, payload) for step in steps_of(machine, event))
    )


def refusals(machine: AnyMachine, payload: Mapping[str, Any]) -> dict[str, str]:
    """Return the events that are not allowed now, as declared, each with the reason."""
    owners = machine._seeing()
    found = {}
    for event in type(machine)._outer:
        steps = steps_of(machine, event)
        if not any(is_open(owners, step, payload) for step in steps):
            reasons = (reason(owners, step, payload) for step in steps)
            told = " or ".join(dict.fromkeys(each for each in reasons if each is not None))
            found[event] = told or f"not declared in state {machine._state_text}"
    return found


def tried(machine: AnyMachine, event: str, payload: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the targets of the transitions that were tried, each with the reason of its refusal."""
    owners = machine._seeing()
    for step in steps_of(machine, event):
        why = reason(owners, step, payload)
        if why is not None:
            yield state_text(step.target.value), why


def asked(machine: AnyMachine, event: str, payload: Mapping[str, Any]) -> dict[str, bool]:
    """Return the answers of the guards of an event's transitions."""
    owners = machine._seeing()
    return {
        str(guard.spec): agrees
        for step in steps_of(machine, event)
        for guard, agrees in answers(owners, step, payload)
    }
