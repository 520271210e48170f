"""Guidance: the next commands of each state, and the states that each command starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from environments.model.condition import Attempt

# A copy of the chart, since `--help`, `list` and `show` start without the engine; a test compares them.
EVENTS: dict[str, tuple[str, ...]] = {
    "created": ("provision", "register", "destroy"),
    "provisioning": ("complete", "fail", "destroy"),
    "provisioned": ("configure", "provision", "destroy"),
    "configuring": ("complete", "fail", "destroy"),
    "configured": ("release", "configure", "provision", "destroy"),
    "releasing": ("complete", "fail", "destroy"),
    "released": ("run", "release", "configure", "provision", "fail", "destroy"),
    "running": ("release", "run", "stop", "configure", "provision", "fail", "destroy"),
    "destroyed": (),
    "provision_failed": ("provision", "destroy"),
    "configure_failed": ("configure", "provision", "destroy"),
    "release_failed": ("release", "configure", "provision", "destroy"),
    "run_failed": ("run", "release", "stop", "configure", "provision", "fail", "destroy"),
}
"""The events that the chart allows in each state, the most likely first."""

LIFECYCLE = "Lifecycle"
"""The name of the chart's class."""

COMMANDS = ("provision", "register", "configure", "release", "run", "stop", "destroy")
"""The events that are commands; the other events are outcomes."""

# Advised only where it is the way on: few providers adopt hosts, and `up` applies a spec anew.
_ON_DEMAND = frozenset({"register", "provision", "configure"})

# The commands that a running environment is offered for the events that they fire.
_ON_RUNNING = {"release": "deploy", "run": "restart"}

_BEFORE_RUNNING = ("created", "provisioned", "configured")


def states() -> tuple[str, ...]:
    """Return the thirteen states."""
    return tuple(EVENTS)


def sources(command: str) -> tuple[str, ...]:
    """Return the states that allow a command."""
    return tuple(state for state, events in EVENTS.items() if command in events)


def sources_in_words(command: str) -> str:
    """Return the states that allow a command, as a sentence."""
    found = sources(command)
    missing = [state for state in EVENTS if state not in found]
    if len(missing) == 1:
        return f"From every state but {missing[0]}."
    return f"From {', '.join(found)}."


def next_steps(
    state: str, operation: Attempt | None, *, held: bool, unreleased: bool = False
) -> tuple[str, ...]:
    """Return the possible commands, the best first; `NAME` stands for the environment's name.

    `held` tells whether a process works on the environment. An operation that is open without such a
    process was interrupted, and only recover and destroy may follow. `unreleased` tells that the
    application differs from the installed release, which a retry would start again.
    """
    if operation is not None and operation.is_active:
        return ("why NAME",) if held else ("recover NAME", "why NAME", "destroy NAME")
    if operation is not None and operation.command == "destroy":
        if operation.effects_begun:
            return ("destroy NAME", "why NAME")
        return ("destroy NAME", *(step for step in _ranked(state) if step != "destroy NAME"))
    if operation is not None and operation.command == "stop":
        first = ("retry NAME", "why NAME")
        return (*first, *(step for step in _ranked(state) if step not in (*first, "stop NAME")))
    return _ranked(state, unreleased=unreleased)


def _ranked(state: str, *, unreleased: bool = False) -> tuple[str, ...]:
    if state == "destroyed":
        return ("purge NAME",)
    first, *others = (event for event in EVENTS[state] if event in COMMANDS)
    commands = [each for each in (first, *others) if each == first or each not in _ON_DEMAND]
    spoken = _ON_RUNNING if state == "running" else {}
    steps = [f"{spoken.get(command, command)} NAME" for command in commands]
    if state.endswith("_failed"):
        if unreleased and "release NAME" in steps:
            rest = [step for step in steps[1:] if step != "release NAME"]
            return ("release NAME", "retry NAME", "why NAME", *rest)
        return ("retry NAME", "why NAME", *steps[1:])
    if state in _BEFORE_RUNNING:
        steps.insert(1, "up NAME")
    return tuple(steps)
