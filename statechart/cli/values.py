"""Values: a value of a chart as documents and as text."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from statechart.cli.payload import placeholder
from statechart.engine.keywords import Keyword, keywords_of
from statechart.formats.columns import columns_of
from statechart.graph import allowed_events, edges, events, failures
from statechart.terminal.cells import wrapped
from statechart.terminal.colours import styled
from statechart.terminal.output import emit, fitting, tell_next
from statechart.terminal.streams import prints_aside
from statechart.terminal.text import ago, columns, when
from statechart.wording import counted

if TYPE_CHECKING:
    from pathlib import Path

    from statechart.chart import Chart
    from statechart.cli.settings import Settings
    from statechart.holder import Holder
    from statechart.stored.effects import DueEffect
    from statechart.stored.listing import Summary
    from statechart.stored.repository import ChartRepository
    from statechart.stored.session import Allowed
    from statechart.terminal.text import Style


_FEW = 2  # refused events with one reason that have a row each


@dataclass(frozen=True, slots=True)
class Ways:
    """The events of a chart, seen from a value.

    Attributes:
        events: The allowed events, each with the states that it may lead to.
        needing: The events that need a payload before their guards can be asked, with its keywords.
        refused: The other events, each with the reason.
    """

    events: Mapping[str, str]
    needing: Mapping[str, tuple[Keyword, ...]]
    refused: Mapping[str, str]


def ways_of(chart: type[Chart], model: type | None, state: str, allowed: Allowed) -> Ways:
    """Sort the events of a chart: allowed, waiting for a payload, and refused."""
    leaving = allowed_events(chart, state)
    needing = {}
    for event in events(chart):
        needed = tuple(each for each in keywords_of(chart, model, event, state) if each.required)
        asked = any(each.required for each in keywords_of(chart, model, event, state, guards=True))
        if needed and event in leaving and (asked or event in allowed):
            needing[event] = needed
    targets = {
        event: " or ".join(
            dict.fromkeys(
                edge.target for edge in edges(chart) if (edge.event, edge.source) == (event, state)
            )
        )
        for event in allowed.events
        if event not in needing
    }
    refused = {event: why for event, why in allowed.refused.items() if event not in needing}
    return Ways(targets, needing, refused)


def ways_lines(ways: Ways) -> Iterator[tuple[str, str, str]]:
    """Yield a heading, an event and a remark for each event."""
    for event, targets in ways.events.items():
        yield "allowed", event, f"→ {targets}"
    for event, needed in ways.needing.items():
        yield "with a payload", event, ", ".join(map(str, needed))
    for event, reason in refused_rows(ways):
        yield "refused", event, reason


def refused_rows(ways: Ways) -> Iterator[tuple[str, str]]:
    """Yield the refused events with their reasons; many with the same reason share a row."""
    by_reason: dict[str, list[str]] = {}
    for event, reason in ways.refused.items():
        by_reason.setdefault(reason, []).append(event)
    shared: list[tuple[str, str]] = []
    for reason, events_ in by_reason.items():
        if len(events_) > _FEW:
            shared.append(("others", f"{reason}: {', '.join(events_)}"))
        else:
            yield from ((event, reason) for event in events_)
    yield from shared


def ways_document(ways: Ways) -> dict[str, object]:
    """Return the events as JSON."""
    return {
        "allowed": list(ways.events),
        "needs_payload": {event: [each.name for each in needed] for event, needed in ways.needing.items()},
        "refused": dict(ways.refused),
    }


def fire_steps(ways: Ways) -> list[str]:
    """Return the commands that fire an event."""
    with_payload = [
        " ".join([f"fire NAME {event}", *(f"{each.name}={placeholder(each)}" for each in needed)])
        for event, needed in ways.needing.items()
    ]
    return [*(f"fire NAME {event}" for event in ways.events), *with_payload]


@dataclass(frozen=True, slots=True)
class Shown:
    """A value as `show` prints it."""

    summary: Summary
    value: Mapping[str, Any]  # Any: JSON
    ways: Ways
    failed: bool
    final: bool
    directory: Path
    holder: Holder | None = None
    due: tuple[str, ...] = ()

    @property
    def steps(self) -> list[str]:
        """The commands that can follow."""
        effects = ["effects NAME --run"] if self.due else []
        return [*effects, *fire_steps(self.ways), "history NAME"]


@prints_aside()
def look(repository: ChartRepository[Any], name: str) -> Shown:
    """Read a value, without taking its lock."""
    loaded = repository.files.load(name)
    chart = repository.chart
    summary = repository.summary(name)
    allowed = repository.allowed(name)
    finals = [str(state.id) for state in chart.states if state.final]
    return Shown(
        summary,
        loaded.value.model_dump(mode="json"),
        ways_of(chart, repository.model, summary.state, allowed),
        failed=summary.state in failures(chart),
        final=summary.state in finals,
        directory=repository.files.directory(name),
        holder=repository.files.holder(name),
        due=tuple(map(_due, repository.due_effects(name))),
    )


def _due(effect: DueEffect) -> str:
    failed = f", failed {counted(effect.attempts, 'time')}: {effect.error}" if effect.attempts else ""
    return f"{effect.effect}, after {effect.event} at {when(effect.at)}{failed}"


def document_of(shown: Shown, settings: Settings) -> dict[str, object]:
    """Return a value as JSON."""
    summary = shown.summary
    return {
        "name": summary.name,
        "state": summary.state,
        "since": iso(summary.since),
        "is_error": shown.failed,
        "revision": summary.revision,
        "updated_at": iso(summary.at),
        "value": dict(shown.value),
        **ways_document(shown.ways),
        "due": list(shown.due),
        "holder": shown.holder.model_dump(mode="json") if shown.holder else None,
        "next": [settings.spell(step, summary.name) for step in shown.steps],
        "directory": str(shown.directory),
    }


def text_of(shown: Shown, style: Style, width: int | None) -> str:
    """Return a value as text."""
    summary, now = shown.summary, datetime.now(UTC)
    colour = "red" if shown.failed else "bold"
    facts = [
        ("since", f"{when(summary.since)} ({ago(summary.since, now)})"),
        ("revision", f"{summary.revision}, {when(summary.at)}"),
        ("files", str(shown.directory)),
    ]
    if shown.holder is not None:
        facts.append(("held", f"by {shown.holder.describe()}"))
    facts += [("due", effect) for effect in shown.due]
    lines = [f"{style(summary.name, 'plain')}: {style(summary.state, colour)}", *rows(facts, width)]
    lines += section("value", value_rows(shown.value), width)
    return "\n".join([*lines, *ways_text(shown.ways, width)])


def print_value(settings: Settings, repository: ChartRepository[Any], name: str) -> None:
    """Print a value, and the commands that can follow; raises the errors of the storage."""
    shown = look(repository, name)
    emit(settings, document_of(shown, settings), text_of(shown, styled, columns_of(sys.stdout)))
    tell_next(settings, tuple(shown.steps), name)


def print_changed(
    settings: Settings, repository: ChartRepository[Any], name: str, *, event: str = "", before: str = ""
) -> None:
    """Print a value after a change, and the commands that can follow."""
    shown = look(repository, name)
    state = shown.summary.state
    how = f", by {event} from {before}" if event else ""
    document = {**document_of(shown, settings), **({"event": event, "from_state": before} if event else {})}
    emit(settings, document, fitting(f"{name} is {state}{how}"))
    tell_next(settings, tuple(shown.steps), name)


def value_rows(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the fields of a value, without its state."""
    return [
        (name, found if isinstance(found, str) and found else json.dumps(found, ensure_ascii=False))
        for name, found in value.items()
        if name != "state"
    ]


def ways_text(ways: Ways, width: int | None) -> list[str]:
    """Return the events in sections."""
    told: dict[str, list[tuple[str, str]]] = {"allowed": []}
    for heading, event, remark in ways_lines(ways):
        told.setdefault(heading, []).append((event, remark))
    lines = [line for heading, found in told.items() for line in section(heading, found, width)]
    return lines if any(told.values()) else ["no event can follow"]


def section(heading: str, found: Iterable[tuple[str, str]], width: int | None) -> list[str]:
    """Return rows under a heading, or nothing."""
    told = rows(found, width)
    return [heading, *told] if told else []


def rows(found: Iterable[tuple[str, str]], width: int | None) -> list[str]:
    """Return rows in two columns, wrapped to a width."""
    all_rows = [(f"  {label}", text) for label, text in found]
    if not all_rows:
        return []
    lines = columns(all_rows)
    if width is None:
        return lines
    indent = max(len(label) for label, _ in all_rows) + 2
    return [part for line in lines for part in wrapped(line, width, indent=indent)]


def place_of(repository: ChartRepository[Any]) -> str:
    """Return the directory of a store, and whether there is none."""
    root = repository.files.root
    return f"{root}{'' if root.is_dir() else ', which does not exist'}"


def iso(moment: datetime) -> str:
    """Return a moment as records write it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
