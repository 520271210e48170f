"""`why`: how a value came to its state, in words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from statechart.cli import loading
from statechart.cli.parameters import name_argument, subcommand
from statechart.cli.records import readable, told
from statechart.cli.settings import Settings
from statechart.cli.values import Shown, document_of, fire_steps, look
from statechart.terminal.colours import styled
from statechart.terminal.output import emit
from statechart.terminal.story import Story, latest, story_document, story_text
from statechart.terminal.text import ago


@subcommand("why")
@name_argument
def why(settings: Settings, name: str) -> None:
    """Explain how a value came to its state, and which events may follow.

    Examples:
        python -m statechart why shop:OrderChart A-1 --store orders
    """
    repository = loading.repository(settings)
    shown = look(repository, name)
    state, since = shown.summary.state, ago(shown.summary.since, datetime.now(UTC))
    records, gap = readable(repository, name)
    path = latest(line for record in records if (line := told(record)))
    story = Story(
        headline=f"{name} is {state}, {'since now' if since == 'now' else f'entered {since}'}",
        happened=(*([] if gap is None else [str(gap)]), *path),
        known=tuple(_known(shown)),
        following=tuple(_following(shown)),
    )
    document = {**document_of(shown, settings), "story": story_document(story)}
    emit(settings, document, story_text(story, settings, name, styled))


def _known(shown: Shown) -> Iterator[str]:
    if shown.holder is not None:
        yield f"it is being changed now by {shown.holder.describe()}"
    if shown.failed:
        yield f"{shown.summary.state} is a failure, as the chart declares"
    if shown.final:
        yield f"{shown.summary.state} is final: no event leaves it"
    for effect in shown.due:
        yield f"an effect is due: {effect}"
    if not shown.final:
        for event, reason in shown.ways.refused.items():
            if not reason.startswith("not declared"):
                yield f"{event} is refused: {reason}"


def _following(shown: Shown) -> Iterator[tuple[str, str]]:
    if shown.due:
        yield "effects NAME --run", "runs the effects that are due"
    ways = shown.ways
    effects = [f"leads to {targets.removeprefix('→ ')}" for targets in ways.events.values()]
    effects += [f"takes {', '.join(map(str, needed))}" for needed in ways.needing.values()]
    yield from zip(fire_steps(ways), effects, strict=True)
    yield "history NAME", "shows each record"
