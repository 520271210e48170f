"""Values: a value of a chart as text."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statechart.answers import values
from statechart.answers.configurations import timer_rows
from statechart.answers.values import Shown, document_of
from statechart.answers.ways import Ways, refused_rows
from statechart.configuration import JOINED
from statechart.formats.columns import columns_of
from statechart.storage.sql.urls import is_url, read_url
from statechart.terminal.cells import wrapped
from statechart.terminal.colours import styled
from statechart.terminal.output import emit, fitting, tell_next
from statechart.terminal.streams import prints_aside
from statechart.terminal.text import ago, columns, when

if TYPE_CHECKING:
    from statechart.cli.settings import Settings
    from statechart.stored.repository import ChartRepository
    from statechart.terminal.text import Style


def ways_lines(ways: Ways) -> Iterator[tuple[str, str, str]]:
    """Yield a heading, an event and a remark for each event."""
    for event, targets in ways.events.items():
        yield "allowed", event, f"→ {targets}"
    for event, needed in ways.needing.items():
        yield "with a payload", event, ", ".join(map(str, needed))
    for event, reason in refused_rows(ways):
        yield "refused", event, reason


@prints_aside()
def look(repository: ChartRepository[Any], name: str) -> Shown:
    """Read a value, without taking its lock; raises the errors of the storage."""
    return values.look(repository, name)


def text_of(shown: Shown, style: Style, width: int | None) -> str:
    """Return a value as text."""
    summary, now = shown.summary, datetime.now(UTC)
    colour = "red" if shown.failed else "bold"
    facts = [
        ("since", f"{when(summary.since)} ({ago(summary.since, now)})"),
        ("revision", f"{summary.revision}, {when(summary.at)}"),
        ("store", shown.store) if shown.directory is None else ("files", str(shown.directory)),
    ]
    if shown.holder is not None:
        facts.append(("held", f"by {shown.holder.describe()}"))
    facts += [("due", effect) for effect in shown.due]
    if shown.configuration is not None:
        facts += [
            (memory, f"remembers {JOINED.join(states)}")
            for memory, states in shown.configuration.history.items()
        ]
    lines = [f"{style(summary.name, 'plain')}: {style(summary.state, colour)}", *rows(facts, width)]
    lines += section("timers", timer_rows(shown.timers, now), width)
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
    """Return the place of a store, and whether its directory or file does not exist."""
    where = repository.store.where
    file = read_url(where).file if is_url(where) else where
    return where if not file or Path(file).exists() else f"{where}, which does not exist"
