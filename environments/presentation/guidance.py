"""Guidance: the next commands of each state, and the states that each command starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from environments.model.condition import Attempt
    from environments.model.fields.last_look import LastLook

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

# Once a service was started, the commands that are offered for the events that they fire.
_STARTED = ("running", "run_failed")
_ON_STARTED = {"release": "deploy", "run": "restart"}
_BACK = "deploy NAME --previous"

_BEGIN_WITH = {"deploy": ("configure", "release"), "start": ("run",), "restart": ("run",)}

_BY_STATE = frozenset({*COMMANDS, *_BEGIN_WITH, "create", "up", "update", "purge"})
_BY_OPERATION = frozenset({"retry", "recover", "unlock", "watch"})

_BEFORE_RUNNING = ("created", "provisioned", "configured")


def states() -> tuple[str, ...]:
    """Return the thirteen states."""
    return tuple(EVENTS)


def events() -> tuple[str, ...]:
    """Return the events."""
    return tuple(dict.fromkeys(event for allowed in EVENTS.values() for event in allowed))


def sources(command: str) -> tuple[str, ...]:
    """Return the states that allow a command, or a subcommand that begins with one of several."""
    events = _BEGIN_WITH.get(command, (command,))
    return tuple(state for state, allowed in EVENTS.items() if any(event in allowed for event in events))


def is_always_of_use(command: str) -> bool:
    """Return whether a subcommand does something in each state, as `show` does."""
    return command not in _BY_STATE | _BY_OPERATION


def is_of_use(command: str, state: str, *, status: str | None = None, teardown_begun: bool = False) -> bool:
    """Return whether a subcommand can do something for an environment.

    `status` is that of the last command if it has not succeeded: `active`, `failed` or `interrupted`.
    """
    is_active = status == "active"
    if command in _BY_OPERATION:
        has_failed = status in ("failed", "interrupted") or state.endswith("_failed")
        return has_failed and not is_active if command == "retry" else is_active
    if command not in _BY_STATE:
        return True
    if command == "create":  # the name is taken
        return False
    # While a command is under way, or after it died, only destroy may begin.
    if (is_active or teardown_begun) and command != "destroy":
        return False
    match command:
        case "purge":
            return not EVENTS[state]
        case "up" | "update":
            return bool(EVENTS[state])
        case _:
            return state in sources(command)


def sources_in_words(command: str) -> str:
    """Return the states that allow a command, as a sentence."""
    found = sources(command)
    missing = [state for state in EVENTS if state not in found]
    if len(missing) == 1:
        return f"From every state but {missing[0]}."
    return f"From {', '.join(found)}."


def repairs(look: LastLook | None, revision: int) -> tuple[str, ...]:
    """Return the commands that end the differences found, if nothing has changed the environment since."""
    if look is None or not look.drifts(revision):
        return ()
    return tuple(dict.fromkeys(f"{each.then} NAME" for each in look.findings if each.then))


def next_steps(
    state: str,
    operation: Attempt | None,
    *,
    held: bool,
    unreleased: bool = False,
    rollback: bool = False,
    repairs: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return the possible commands, the best first; `NAME` stands for the environment's name.

    `held` tells whether a process works on the environment. An operation that is open without such a
    process was interrupted, and only recover and destroy may follow. `unreleased` tells that the
    application differs from the installed release, which a retry would start again, and `rollback` that
    an earlier release was healthy. `repairs` end a drift, and come first unless a failure does.
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
    steps = _ranked(state, unreleased=unreleased, rollback=rollback)
    if operation is not None or state.endswith("_failed"):
        return steps
    return (*repairs, *(step for step in steps if step not in repairs))


def _ranked(state: str, *, unreleased: bool = False, rollback: bool = False) -> tuple[str, ...]:
    if state == "destroyed":
        return ("purge NAME",)
    first, *others = (event for event in EVENTS[state] if event in COMMANDS)
    commands = [each for each in (first, *others) if each == first or each not in _ON_DEMAND]
    spoken = _ON_STARTED if state in _STARTED else {}
    steps = [f"{spoken.get(command, command)} NAME" for command in commands]
    if state.endswith("_failed"):
        back = [_BACK] if rollback and state in ("release_failed", "run_failed") else []
        again = ["retry NAME", *back, "why NAME"]
        best = ["deploy NAME", *again] if unreleased and "deploy NAME" in steps else again
        return (*best, *(step for step in steps[1:] if step not in best))
    if state in _BEFORE_RUNNING:
        steps.insert(1, "up NAME")
    return tuple(steps)
