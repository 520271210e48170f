"""Story: the events, the certain facts and the open questions of an environment, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from environments.model.condition import serves_on
from environments.presentation.view import View
from statechart.terminal.story import Story, latest
from statechart.terminal.text import when

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.failure import Failure
    from environments.model.operation import Operation
    from environments.model.records import HistoryEntry

_WHY = {
    "recover": "finds out how far the interrupted step came, and records it",
    "retry": "continues at the first step that is not known to be done",
    "destroy": "removes all resources, in any state",
    "logs": "shows the trace of the failure",
    "show": "shows the current state",
    "unlock": "ends the process that holds the environment, if that process hangs",
    "provision": "creates the resources",
    "register": "adopts an existing host instead of creating a host",
    "drift": "compares the record with the real resources",
    "configure": "configures the resources",
    "release": "installs a release; a running service keeps running",
    "run": "starts the installed release",
    "deploy": "releases and runs the application, and configures it first if needed",
    "deploy --previous": "goes back to the release that was healthy before",
    "restart": "stops the service, starts it, and waits until it is healthy",
    "stop": "stops the service; its resources and its releases stay",
    "up": "runs every command needed to reach running",
    "purge": "deletes the record, and frees the name",
}


def tell(
    view: View[AnyEnvironment],
    entries: Iterable[HistoryEntry],
    survivors: Sequence[str],
    words: dict[str, tuple[str, ...]],
    *,
    earlier: str | None = None,
) -> Story:
    """Return the story of an environment, from its record, its lock and the process table.

    `earlier` says why earlier records can't be read.
    """
    environment = view.environment
    operation = environment.operation
    return Story(
        headline=f"{environment.name} is {view.condition}",
        happened=(
            *([earlier] if earlier else ()),
            *_path(entries, operation),
            *(_operation(view, operation) if operation else ()),
        ),
        known=tuple(_known(view, survivors)),
        unknown=tuple(_unknown(view)),
        words=words if view.is_error else {},
        following=tuple((step, reason(step)) for step in _following(view)),
    )


def _following(view: View[AnyEnvironment]) -> Iterator[str]:
    if view.holder is not None:
        yield from ("show NAME", "unlock NAME")
    else:
        yield from (step for step in view.next_steps if step != "why NAME")


def reason(step: str) -> str:
    """Return the effect of a command, as a help to choose."""
    words = step.replace(" NAME", "")
    return _WHY.get(words) or _WHY.get(words.split()[0], "")


def _path(entries: Iterable[HistoryEntry], operation: Operation | None) -> Iterator[str]:
    """Yield the latest changes, one line each."""
    # The failure of the last command is told at its end, and so not as the reason of a transition too.
    known = operation.failure.summary if operation is not None and operation.failure is not None else None
    yield from latest(line for entry in entries if (line := _happened(entry, known)))


def _happened(entry: HistoryEntry, known: str | None) -> str:
    record, at = entry.record, f"{when(entry.at)} by {entry.actor}"
    match record.type:
        case "created":
            return f"{at}: created"
        case "checkpoint":
            return ""
        case "transition":
            why = f": {record.reason}" if record.reason and record.reason != known else ""
            return f"{at}: {record.event} took it from {record.from_state} to {record.to_state}{why}"
        case "operation":
            command = record.environment.operation.command if record.environment.operation else "it"
            why = f": {record.reason}" if record.reason else ""
            return f"{at}: {command} was {record.change}{why}"
        case "amended":
            return f"{at}: its spec was changed ({', '.join(record.fields)})"
        case "rebased":
            return f"{at}: its damaged history was kept as {record.damaged}, and a new one begun"
        case _ if record.settled is not None:
            source = record.settled.who or "its probe"
            found = "done" if record.result is not None else "not done"
            return f"{at}: {source} said that step {record.step} was {found}: {record.settled.reason}"
    return ""


def _operation(view: View[AnyEnvironment], operation: Operation) -> Iterator[str]:
    """Yield the progress and the end of the last command."""
    done = ", ".join(step.name for step in operation.steps_done)
    yield f"{operation.command}: done so far {done or 'no step'}"
    step = operation.step
    if operation.is_active and step is not None:
        begun = f"step {step.number}/{step.of} {step.name} was begun at {when(step.started_at)}"
        yield f"{operation.command}: {begun}" + (", and has no result" if view.interrupted else "")
    if operation.failure is not None:
        yield f"{operation.command}: {_ended(operation.failure)}"
    if view.interrupted:
        holder = operation.holder
        who = f"its process (pid {holder.pid} of {holder.user}@{holder.host})"
        yield f"{operation.command}: {who} {holder.fate()}"


def _ended(failure: Failure) -> str:
    how = {"interrupted": "was interrupted", "cancelled": "was stopped"}.get(failure.cause, "failed")
    return f"{how} at step {failure.step} ({failure.cause}): {failure.summary}"


def _known(view: View[AnyEnvironment], survivors: Sequence[str]) -> Iterator[str]:
    environment = view.environment
    outputs = environment.outputs
    if view.holder is not None:
        yield f"it is being changed now by {view.holder.describe()}"
        if view.pace is not None and view.pace.step is not None:
            yield f"step {view.pace.step}: {view.pace.words}"
        if view.pace is not None and view.pace.stuck:
            yield f"{view.pace.stuck}; unlock ends its process, if that hangs"
    elif environment.operation is not None:
        yield "no process is changing it now: its lock is free"
    if environment.teardown_begun:
        yield "its teardown has begun: only destroy may follow"
    if outputs.url:
        yield f"its address is {outputs.url}"
    if outputs.serving:
        still = " still serves, and" if serves_on(environment.state.name, environment.operation) else ""
        yield f"release {outputs.serving}{still} was healthy at its last check"
    if view.unreleased:
        yield view.unreleased
    for survivor in survivors:
        yield f"{survivor}, which an unfinished step started, still runs"
    look = view.last_look
    if look is not None and look.drifts(environment.revision):
        yield f"drift found at {when(look.at)}: {'; '.join(each.words for each in look.findings)}"
    elif not view.is_error and view.holder is None:
        yield "no problem is recorded"


def _unknown(view: View[AnyEnvironment]) -> Iterator[str]:
    operation = view.environment.operation
    if operation is None or (operation.is_active and not view.interrupted):
        return
    for step in operation.in_doubt:
        yield f"whether step {step.name} was done: it has begun, and has no result"
    holder = operation.holder
    if view.interrupted and holder.is_alive() is None:
        yield f"whether a process that it started on {holder.host} still runs"
