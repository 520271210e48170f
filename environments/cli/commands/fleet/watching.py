"""Watch wishes until they have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.cli.commands.fleet.wording import wish_line
from environments.cli.signals import Interruption
from statechart.terminal.output import emit, note

if TYPE_CHECKING:
    from environments.cli.settings import Settings
    from environments.fleet.fleet import Fleet
    from environments.fleet.wishes import Submission, WishStatus


def watch(settings: Settings, fleet: Fleet, made: Submission) -> list[int]:
    """Tell how wishes come on, until all have ended; return their exit codes.

    Ctrl-C ends the watching only: the workers go on.
    """
    ended: list[WishStatus] = []

    async def follow() -> None:
        async for each in fleet.watch(made.wishes.values()):
            note(wish_line(each))
            if each.is_over:
                ended.append(each)

    Interruption(note).run(follow())
    reached = sum(each.condition == "reached" for each in ended)
    emit(
        settings,
        {"wishes": [each.document() for each in ended], "notes": list(made.notes)},
        f"{reached} of {len(ended)} reached",
    )
    for each in ended:
        if each.condition == "failed":
            note(f"next: {settings.spell('why NAME', each.name)}")
    return [each.ending.exit_code if each.ending is not None else 6 for each in ended]
