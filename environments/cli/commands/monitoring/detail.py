"""The detail of `top`: one environment, its command under way, why it is so, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from environments.cli.commands.monitoring.display import sides
from environments.cli.error_reports import report
from environments.errors import EnvironmentsError
from environments.model.fields.labels import labels_text
from environments.model.names import check_name
from environments.overview.told import STATIONS, told
from environments.presentation.answers.now import story
from environments.presentation.listing import sign_of
from environments.presentation.pace import duration_text
from environments.presentation.steps import Line, Station, stations
from environments.presentation.text import look_text
from statechart.errors import NotFound, StorageError, UnusableSegment
from statechart.terminal.cells import padded, width_of, wrapped
from statechart.terminal.colours import styled
from statechart.terminal.control_codes import strip_control_codes
from statechart.terminal.text import ago, when

if TYPE_CHECKING:
    from environments.cli.settings import Settings
    from environments.model.environment import AnyEnvironment
    from environments.model.records import HistoryEntry
    from environments.overview import EnvironmentRow
    from environments.presentation.view import View
    from environments.workspace import Workspace
    from statechart.terminal.story import Story

_LOOKS: Final = {
    "done-step": ("✓", "green"), "under-way": (">", "cyan"), "stuck": ("!", "yellow"),
    "failed": ("✗", "red"), "interrupted": ("!", "yellow"), "ahead": ("◦", "dim"),
}  # fmt: skip
_INDENT: Final = 4


@dataclass(frozen=True, slots=True)
class Present:
    """An environment as it was read.

    Attributes:
        row: Its row, or None after a purge.
        view: The environment, or None if it can't be read.
        story: Why it is so.
        entries: Its latest records.
        trouble: Why it can't be read, and what to do.
    """

    row: EnvironmentRow | None
    view: View[AnyEnvironment] | None = None
    story: Story | None = None
    entries: Sequence[HistoryEntry] = ()
    trouble: tuple[str, ...] = ()


def read(workspace: Workspace, settings: Settings, name: str, row: EnvironmentRow | None) -> Present:
    """Read an environment, or the trouble that prevents it."""
    if row is None:
        return Present(None, trouble=(f"there is no environment {name!r} any more: it was purged",))
    try:
        view, why = story(workspace, check_name(name))
        return Present(row, view, why, _latest(workspace, name))
    except NotFound:
        return read(workspace, settings, name, None)
    except (StorageError, EnvironmentsError) as error:
        found = report(error, settings)
        advice = [f"next: {step}" for step in found.next] if found is not None else []
        return Present(row, trouble=(str(error), *advice))


def lines_of(present: Present, settings: Settings, name: str, columns: int) -> list[str]:
    """Return the lines about an environment, as they are now."""
    row, view, now = present.row, present.view, datetime.now(UTC)
    title = sides(name, f"{now:%H:%M:%SZ}", columns).replace(name, styled(name, "bold"), 1)
    if row is None or view is None or present.story is None:
        return [title, "", *_wrapped(present.trouble, columns, "")]
    sign, colour = sign_of(row.kind)
    headline = wrapped(strip_control_codes(f"{sign} {view.condition}"), columns)
    return [
        title,
        *(styled(line, colour if colour != "plain" else "bold") for line in headline),
        *_way(row, columns),
        "",
        *_facts(view, now, columns),
        *_steps(stations(view, present.entries, now), now, columns),
        *_next(present.story, settings, name, columns),
        *_story(present.story, columns),
    ]


def _latest(workspace: Workspace, name: str) -> Sequence[HistoryEntry]:
    """Return the records of the latest two segments: what is usual is known from these."""
    seen: list[int] = []

    def is_second(opening: HistoryEntry) -> bool:
        seen.append(opening.seq)
        return len(seen) > 1

    with suppress(UnusableSegment):
        return list(workspace.latest(name, is_second))
    return list(workspace.latest(name, lambda _opening: True))


def _way(row: EnvironmentRow, columns: int) -> Iterator[str]:
    """Yield the stations on the way to running, and how far the environment came."""
    way = told(row).way
    if way is None:
        return
    parts: list[str] = []
    for number, station in enumerate(STATIONS, 1):
        if number < way.reached or (number == way.reached and station == row.state):
            parts.append(styled(f"✓ {station}", "green"))
        elif number == way.reached:
            parts.append(styled(f"✗ {station}", "red") if way.broken else styled(f"> {station}", "cyan"))
        else:
            parts.append(styled(f"◦ {station}", "dim"))
    plain = sum(len(station) + 2 for station in STATIONS)
    gap = " ── " if plain + 4 * (len(STATIONS) - 1) <= columns else " "
    if plain + len(STATIONS) - 1 <= columns:
        yield gap.join(parts)


def _facts(view: View[AnyEnvironment], now: datetime, columns: int) -> Iterator[str]:
    environment = view.environment
    outputs = environment.outputs
    by = f" by {view.actor}" if view.actor else ""
    serving = outputs.serving and outputs.url
    facts = {
        "since": f"{when(environment.since)}, {ago(environment.since, now)}",
        "serving": f"release {outputs.serving} at {outputs.url}" if serving else "",
        "release": outputs.release if outputs.release != outputs.serving else "",
        "held by": view.holder.describe() if view.holder is not None else "",
        "labels": labels_text(environment.labels),
        "provider": environment.spec.provider.kind,
        "drift": look_text(view.last_look, environment.revision, now) if view.last_look is not None else "",
        "revision": f"{environment.revision}, {when(environment.updated_at)}{by}",
    }
    told_facts = {label: fact for label, fact in facts.items() if fact}
    width = max(map(len, told_facts))
    for label, fact in told_facts.items():
        room = max(1, columns - width - 2)
        lines = wrapped(strip_control_codes(str(fact)), room, indent=0)
        first, *rest = (part for line in lines for part in _folded(line, room))
        yield f"{styled(f'{label:>{width}}', 'dim')}  {first}"
        yield from (f"{' ' * (width + 2)}{line}" for line in rest)


def _steps(line: Line | None, now: datetime, columns: int) -> Iterator[str]:
    """Yield the steps of the command under way, or of the last command, with their durations."""
    if line is None:
        return
    yield ""
    pace = line.pace
    elapsed = duration_text(pace.elapsed) if pace is not None else ""
    usual = f", usually {duration_text(pace.usual)}" if pace is not None and pace.usual is not None else ""
    yield styled(line.command, "bold") + (f"  {elapsed} so far{usual}" if pace is not None else "")
    width = max(len(station.name) for station in line.stations)
    for station in line.stations:
        sign, colour = _LOOKS.get(station.look, ("◦", "plain"))
        head = f"  {sign} {padded(station.name, width)}"
        words = ", ".join(_durations(station, now))
        room = max(1, columns - width_of(head) - 2)
        first, *rest = (
            part
            for each in wrapped(strip_control_codes(words), room, indent=0)
            for part in _folded(each, room)
        )
        yield styled(head, colour) + f"  {first}"
        yield from (f"{' ' * (width_of(head) + 2)}{more}" for more in rest)
    if line.ahead:
        yield styled(f"  ◦ and {line.ahead} more", "dim")


def _durations(station: Station, now: datetime) -> Iterator[str]:
    if station.took is not None:
        yield duration_text(station.took)
    elif station.begun is not None:
        yield f"{duration_text(max(now - station.begun, timedelta()))} so far"
    elif station.look != "ahead":
        yield station.words
    if station.usual is not None:
        yield f"usually {duration_text(station.usual)}"
    if station.look == "stuck":
        yield station.words
    if station.remark:
        yield station.remark


def _story(why: Story, columns: int) -> Iterator[str]:
    for heading, lines in (
        ("What happened", why.happened),
        ("Known", why.known),
        ("Not known", why.unknown),
        *((f"The end of {place}", words) for place, words in why.words.items()),
    ):
        if lines:
            yield ""
            yield styled(heading, "bold")
            yield from _wrapped(lines, columns, "  ")


def _next(why: Story, settings: Settings, name: str, columns: int) -> Iterator[str]:
    if not why.following:
        return
    yield ""
    yield styled("What you can do, the best first", "bold")
    spelled = [(settings.spell(step, name), effect) for step, effect in why.following]
    width = max(len(command) for command, _ in spelled)
    for command, effect in spelled:
        line = f"  {padded(command, width)}  {effect}".rstrip()
        yield from [line] if width_of(line) <= columns else _folded(f"  {command}", columns)


def _wrapped(lines: Sequence[str], columns: int, indent: str) -> Iterator[str]:
    for line in lines:
        for part in wrapped(f"{indent}{strip_control_codes(line)}", columns, indent=_INDENT):
            yield from _folded(part, columns)


def _folded(line: str, columns: int) -> Iterator[str]:
    """Yield a line, which may have a word longer than the terminal is wide, in parts that fit."""
    while width_of(line) > columns:
        fits = next(end for end in range(columns, 0, -1) if width_of(line[:end]) <= columns)
        yield line[:fits]
        line = line[fits:]
    yield line
