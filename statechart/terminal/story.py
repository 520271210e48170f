"""Story: the events, the certain facts and the open questions of a name, in words."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statechart.wording import counted

if TYPE_CHECKING:
    from statechart.terminal.settings import ProgramSettings
    from statechart.terminal.text import Style

_LAST = 6


@dataclass(frozen=True, slots=True)
class Story:
    """The story of a name, under four headings.

    Attributes:
        headline: The condition.
        happened: The latest events, in order.
        known: The facts that are certain.
        unknown: The questions that are open.
        words: The last lines of the trace and of a log, by their source.
        following: The next commands, the best first, each with its effect.
    """

    headline: str
    happened: tuple[str, ...]
    known: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    following: tuple[tuple[str, str], ...] = ()


def latest(lines: Iterable[str]) -> Iterator[str]:
    """Yield the last lines, and before them the number of those that are left out."""
    told: deque[str] = deque(maxlen=_LAST)  # a history may be long
    count = 0
    for line in lines:
        told.append(line)
        count += 1
    if count > _LAST:
        yield f"{counted(count - _LAST, 'change')} before (see history)"
    yield from told


def story_document(story: Story) -> dict[str, object]:
    """Return a story as JSON."""
    return {
        "headline": story.headline,
        "happened": list(story.happened),
        "known": list(story.known),
        "unknown": list(story.unknown),
        "words": {place: list(lines) for place, lines in story.words.items()},
    }


def story_text(story: Story, settings: ProgramSettings, name: str, style: Style) -> str:
    """Return a story as text, with the next commands."""
    lines = [style(story.headline, "bold")]
    for heading, told in (
        ("What happened", story.happened),
        ("Known", story.known),
        ("Not known", story.unknown),
    ):
        if told:
            lines += ["", heading, *(f"  {style(line, 'plain')}" for line in told)]
    for place, words in story.words.items():
        lines += ["", f"The end of {place}", *(f"  | {style(line, 'plain')}" for line in words)]
    lines += ["", "What you can do, the best first"]
    spelled = [(settings.spell(step, name), reason) for step, reason in story.following]
    width = max((len(command) for command, _ in spelled), default=0)
    lines += [f"  {command:{width}}  {reason}".rstrip() for command, reason in spelled]
    return "\n".join(lines)
