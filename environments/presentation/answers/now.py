"""An environment as it is now, and the story of how it came about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from environments.execution.unreleased import unreleased
from environments.presentation.documents import environment_document
from environments.presentation.log_files import last_words
from environments.presentation.pace import Paces
from environments.presentation.story import tell
from environments.presentation.view import look
from environments.system.processes import Program
from environments.system.survivors import survivors
from statechart.terminal.story import story_document

if TYPE_CHECKING:
    from pathlib import Path

    from environments.model.environment import AnyEnvironment
    from environments.presentation.answers.archive import Archive
    from environments.presentation.documents import Spell
    from environments.presentation.view import View
    from statechart.terminal.story import Story


def look_closely(archive: Archive, name: str) -> View[AnyEnvironment]:
    """Return the view of an environment, with the pace of a command under way.

    Raises:
        StorageError: The environment can't be read.
        UnknownProvider: Its provider is not installed.
    """
    view = look(archive, name)
    pace = Paces(archive).of(view.environment, datetime.now(UTC), held=view.holder is not None)
    return replace(view, pace=pace)


def why_document(
    view: View[AnyEnvironment], told: Story, spell: Spell, directory: Path
) -> dict[str, object]:
    """Return the document of `why` of a story that was told."""
    return {**environment_document(view, spell, directory), "story": story_document(told)}


def story(archive: Archive, name: str) -> tuple[View[AnyEnvironment], Story]:
    """Return the view of an environment and its story.

    Raises:
        StorageError: The environment can't be read.
        UnknownProvider: Its provider is not installed.
    """
    view = look_closely(archive, name)
    directory = archive.directory(name)
    view = replace(view, unreleased=unreleased(view.environment, directory))
    operation = view.environment.operation
    alive = survivors(operation) if operation is not None and view.interrupted else []
    entries, gap = archive.readable(name)
    told = tell(
        view,
        entries,
        [Program.of(each).describe() for each in alive],
        last_words(view.environment, directory),
        earlier=None if gap is None else str(gap),
    )
    return view, told
