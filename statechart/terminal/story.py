"""Story: the events, the certain facts and the open questions of a name, in words."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from statechart.terminal.cells import width_of, wrapped
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


def story_text(
    story: Story, settings: ProgramSettings, name: str, style: Style, columns: int | None = None
) -> str:
    """Return a story as text, with the next commands; wrapped to the columns of a terminal, if given."""
    lines = [style(story.headline, "bold")]
    for heading, found in (
        ("What happened", story.happened),
        ("Known", story.known),
        ("Not known", story.unknown),
    ):
        if found:
            lines += ["", heading]
            for line in found:
                plain = f"  {style(line, 'plain')}"
                lines += [plain] if columns is None else wrapped(plain, columns, indent=4)
    for place, words in story.words.items():
        lines += ["", f"The end of {place}", *(f"  | {style(line, 'plain')}" for line in words)]
    lines += ["", "What you can do, the best first"]
    spelled = [(settings.spell(step, name), reason) for step, reason in story.following]
    width = max((len(command) for command, _ in spelled), default=0)
    told = [f"  {command:{width}}  {reason}".rstrip() for command, reason in spelled]
    if columns is not None and any(width_of(line) > columns for line in told):
        # A command stays on its line, to be copied.
        told = [
            line for command, reason in spelled for line in (f"  {command}", f"      {reason}".rstrip())
        ]
    lines += filter(None, told)
    return "\n".join(lines)
