"""Environments, lists and histories as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, pairwise
from typing import TYPE_CHECKING, TypeAlias, cast

from environments.model.condition import serves_on
from environments.model.fields.labels import labels_text
from environments.presentation.artifacts import artifact_lines
from statechart.terminal.cells import wrapped
from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.text import ago, columns, history_text, precise, until, when

if TYPE_CHECKING:
    from pathlib import Path

    from environments.model.failure import Failure
    from environments.model.fields.last_look import LastLook
    from environments.model.records import HistoryEntry, OperationRecord, TransitionRecord
    from environments.model.stored import (
        StoredChange,
        StoredEntry,
        StoredFailure,
        StoredTransition,
    )
    from environments.presentation.documents import Spell
    from environments.presentation.view import Shown, View
    from statechart.holder import Holder
    from statechart.terminal.text import Style

    AnyEntry: TypeAlias = HistoryEntry | StoredEntry


def environment_text(
    view: View[Shown], spell: Spell, style: Style, directory: Path, width: int | None = None
) -> str:
    """Return the facts about an environment, and the next commands, which are never wrapped."""
    steps = [spell(step, view.environment.name) for step in view.next_steps]
    following = [f"{'next:' if not number else '  or:'} {step}" for number, step in enumerate(steps)]
    return "\n".join((facts_text(view, style, directory, width), *following))


def facts_text(view: View[Shown], style: Style, directory: Path, width: int | None = None) -> str:
    """Return the facts about an environment, wrapped to a width, without the next commands."""
    environment = view.environment
    colour = "red" if view.is_error else "green" if environment.state.name == "running" else "bold"
    rows = [(f"  {label}", value) for label, value in _facts(view, directory)]
    facts = columns(rows)
    if width is not None:
        indent = max(len(label) for label, _ in rows) + 2
        facts = [line for fact in facts for line in wrapped(fact, width, indent=indent)]
    return "\n".join((f"{strip_control_codes(environment.name)}: {style(view.condition, colour)}", *facts))


def _facts(view: View[Shown], directory: Path) -> Iterator[tuple[str, str]]:
    environment = view.environment
    now = datetime.now(UTC)
    yield "since", f"{when(environment.since)} ({ago(environment.since, now)})"
    if environment.spec.description:
        yield "description", environment.spec.description
    yield "provider", environment.spec.provider.kind
    if environment.labels:
        yield "labels", labels_text(environment.labels)
    if environment.expires_at is not None:
        expired = environment.expires_at <= now
        said = (
            f"expired {ago(environment.expires_at, now)}" if expired else until(environment.expires_at, now)
        )
        then = ", then destroyed" if environment.spec.on_expiry == "destroy" else ""
        yield "expires", f"{when(environment.expires_at)} ({said}){then}"
    outputs = environment.outputs
    if outputs.url:
        idle = ("reserved", f"{outputs.url}, nothing serves there")
        yield ("url", outputs.url) if outputs.serving else idle
    yield from _releases(environment)
    yield from _operation(view, now)
    failure = environment.failure
    if failure is not None:
        operation = environment.operation
        # The failure of the state may be older than an operation that has not failed itself.
        older = (
            operation is not None
            and operation.status != "failed"
            and failure.trace_id != operation.id  # another machine's clock may have told its time
            and failure.failed_at < operation.started_at
        )
        yield from _failure(failure, directory, "before it" if older else "failed")
    if view.last_look is not None:
        yield "drift", look_text(view.last_look, environment.revision, now)
    yield from artifact_lines(environment, now)
    by = f" by {view.actor}" if view.actor else ""
    yield "revision", f"{environment.revision}, {when(environment.updated_at)}{by}"
    yield "files", str(directory)


def look_text(look: LastLook, revision: int, now: datetime) -> str:
    """Return when `drift` last looked, and what it found."""
    before = "" if look.is_of(revision) else f", before revision {revision}"
    found = "; ".join(each.words for each in look.findings) or "no difference"
    unseen = f" ({len(look.unseen)} not inspected)" if look.unseen else ""
    return f"looked at {ago(look.at, now)}{before}: {found}{unseen}"


def _releases(environment: Shown) -> Iterator[tuple[str, str]]:
    """Yield the releases."""
    outputs, state = environment.outputs, environment.state.name
    release, serving, previous = outputs.release, outputs.serving, outputs.previous
    if serving is not None:
        still = " still serves" if serves_on(state, environment.operation) else ""
        yield "serving", f"release {serving}{still}"
    if release is not None and release != serving:
        fresh = "which was stopped" if release == outputs.served else "not yet run"
        yield "in place", f"release {release}, {'which does not run' if state == 'run_failed' else fresh}"
    if previous is not None and previous not in (release, serving):
        yield "previous", f"release {previous}"


def _operation(view: View[Shown], now: datetime) -> Iterator[tuple[str, str]]:
    operation = view.environment.operation
    if operation is None or operation.status == "failed":
        if view.holder is not None:
            yield "held", f"by {view.holder.describe()}"
        return
    step = operation.step
    at = f"step {step.number}/{step.of} {step.name}" if step else "between two steps"
    begun = f"begun {ago(operation.started_at, now)}"
    if view.interrupted:
        # Stored forms are of settled environments, in which no command was interrupted.
        who = cast("Holder", operation.holder)
        gone = f"its process (pid {who.pid} of {who.user}@{who.host}) {who.fate()}"
        place = f"at {at}" if step else at
        yield "interrupted", f"{operation.command} {place}, {begun}; {gone}"
        yield "", "what that step did is in doubt" if step else "every step begun has a result"
        return
    if operation.status == "interrupted":  # and recovered: the condition says what became of it
        yield "recovered", f"{operation.command}, {begun}, which was interrupted"
        return
    yield "under way", f"{operation.command}, {at}, {begun}"
    if view.pace is not None:
        yield "stuck?" if view.pace.stuck else "pace", view.pace.words
    if view.holder is not None:
        yield "by", view.holder.describe()


def _failure(failure: Failure | StoredFailure, directory: Path, label: str) -> Iterator[tuple[str, str]]:
    after = f"{failure.duration.total_seconds():.2f}s"
    yield (
        label,
        f"{failure.command} at {failure.step} ({failure.cause}), {when(failure.failed_at)} after {after}",
    )
    yield "because", failure.summary
    if failure.trace_file is not None:
        yield "trace", str(directory / failure.trace_file)


def history_lines(entries: Iterable[AnyEntry], width: int | None = None) -> Iterator[str]:
    """Yield a line for each event, after a heading; the records of a finished step share a line.

    With a width, as of a terminal, longer lines are wrapped.
    """
    rows = (
        (str(entry.seq), str(entry.revision), precise(entry.at), entry.actor, happened)
        for entry, happened in told_records(entries)
    )
    return history_text(rows, width)


def told_records(entries: Iterable[AnyEntry]) -> Iterator[tuple[AnyEntry, str]]:
    """Yield each record that tells people something, with its words; of a finished step, the result."""
    begun: dict[str, datetime] = {}
    for entry, following in pairwise(chain(entries, [None])):
        assert entry is not None
        happened = _happened(entry, begun, following)
        if happened:
            yield entry, happened


def happened(entry: AnyEntry) -> str:
    """Describe a record by itself; empty for a record that says nothing to people."""
    record = entry.record
    if record.type == "step" and record.phase == "intent":
        return f"  step {record.step} begun"
    return _happened(entry, {}, None)


def _happened(entry: AnyEntry, begun: dict[str, datetime], following: AnyEntry | None) -> str:
    """Describe a record, with an empty string if the next record completes it."""
    record = entry.record
    match record.type:
        case "created":
            return "created"
        case "checkpoint":
            return "a segment of the history begins"
        case "amended":
            return f"amended: {', '.join(record.fields)}"
        case "rebased":
            said = f": {record.reason}" if record.reason else ""
            return f"history begun anew; the damaged one was kept as {record.damaged}{said}"
        case "step" if record.process is not None:
            return ""
        case "step" if record.phase == "intent":
            ended = following is not None and following.record.type == "step"
            return "" if ended else f"  step {record.step} begun, and no result"
        case "step" if record.result is not None:
            note = f" ({record.result.note})" if record.result.note else ""
            found = "found done" if record.result.probed else "done"
            return f"  step {record.step} {found} in {record.result.duration.total_seconds():.2f}s{note}"
        case "step":
            return f"  step {record.step} failed: {record.summary}"
        case _:
            return _changed(entry, record, begun)


def _changed(
    entry: AnyEntry,
    record: TransitionRecord | StoredTransition | OperationRecord | StoredChange,
    begun: dict[str, datetime],
) -> str:
    operation = entry.operation_id or ""
    started = begun.get(operation)
    begun.setdefault(operation, entry.at)
    took = ""
    if (
        started is not None and started <= entry.at
    ):  # else two machines, whose clocks differ, tell the times
        took = f" after {(entry.at - started).total_seconds():.2f}s"
    reason = f": {record.reason}" if record.reason else ""
    if record.type == "transition":
        return f"{record.event}: {record.from_state} → {record.to_state}{took}{reason}"
    command = record.environment.operation.command if record.environment.operation else "operation"
    return f"{command} {record.change}{took}{reason}"
