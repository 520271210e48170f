"""Why: how a value came to its state, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from statechart.answers.configurations import timer_text
from statechart.answers.records import readable, told
from statechart.answers.values import Shown, document_of
from statechart.answers.ways import fire_steps
from statechart.configuration import JOINED
from statechart.terminal.story import Story, latest, story_document
from statechart.terminal.text import ago

if TYPE_CHECKING:
    from statechart.stored.repository import ChartRepository
    from statechart.terminal.settings import Spells


def story_of(repository: ChartRepository[Any], shown: Shown) -> Story:
    """Return the story of a value.

    Raises:
        StorageError: Its history can't be read.
    """
    name = shown.summary.name
    state, since = shown.summary.state, ago(shown.summary.since, datetime.now(UTC))
    records, gap = readable(repository, name)
    path = latest(line for record in records if (line := told(record)))
    return Story(
        headline=f"{name} is {state}, {'since now' if since == 'now' else f'entered {since}'}",
        happened=(*([] if gap is None else [str(gap)]), *path),
        known=tuple(_known(shown)),
        following=tuple(following(shown)),
    )


def why_document(shown: Shown, story: Story, spelling: Spells) -> dict[str, object]:
    """Return a value with its story as JSON."""
    return {**document_of(shown, spelling), "story": story_document(story)}


def _known(shown: Shown) -> Iterator[str]:
    if shown.holder is not None:
        yield f"it is being changed now by {shown.holder.describe()}"
    if shown.failed:
        yield f"{shown.summary.state} is a failure, as the chart declares"
    if shown.final:
        yield f"{shown.summary.state} is final: no event leaves it"
    for effect in shown.due:
        yield f"an effect is due: {effect}"
    now = datetime.now(UTC)
    for timer in shown.timers:
        yield f"the timer {timer.timer} runs: {timer_text(timer, now)}"
    for memory, states in (shown.configuration.history if shown.configuration else {}).items():
        yield f"{memory} remembers {JOINED.join(states)}"
    if not shown.final:
        yield from _refusals(shown)


def _refusals(shown: Shown) -> Iterator[str]:
    for event, reason in shown.ways.refused.items():
        if shown.ways.leaves is not None:
            for leaf, told in shown.ways.leaves.get(event, {}).items():
                yield f"{event} is refused in {leaf}: {told}"
        elif not reason.startswith("not declared"):
            yield f"{event} is refused: {reason}"


def following(shown: Shown) -> Iterator[tuple[str, str]]:
    """Yield the commands that can follow, each with its effect."""
    if shown.due:
        yield "effects NAME --run", "runs the effects that are due"
    if shown.overdue:
        yield "timers run --once", "fires the timers that are due"
    ways = shown.ways
    effects = [f"leads to {targets.removeprefix('→ ')}" for targets in ways.events.values()]
    effects += [f"takes {', '.join(map(str, needed))}" for needed in ways.needing.values()]
    yield from zip(fire_steps(ways), effects, strict=True)
    yield "history NAME", "shows each record"
