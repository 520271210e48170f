"""Telling: a changed environment, as a command prints it at its end."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from environments.cli import loading
from environments.presentation.documents import environment_document
from environments.presentation.view import View
from statechart.terminal.output import emit, fitting, note, tell_next

if TYPE_CHECKING:
    from pathlib import Path

    from environments.cli.settings import Settings
    from environments.presentation.view import Shown
    from statechart.holder import Holder


class Places(Protocol):
    """Knows where environments are, as a workspace does."""

    def directory(self, name: str) -> Path:
        """Return the directory with the environment's files."""
        ...


def tell_changed(
    settings: Settings,
    places: Places,
    environment: Shown,
    *,
    say: str = "",
    first: tuple[str, ...] = (),
    extra: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Print a changed environment and the commands that can follow.

    Args:
        settings: How to print.
        places: Where the environment is.
        environment: The environment.
        say: More words for the line about it.
        first: The commands that should follow first.
        extra: More of the document.
    """
    view = loading.view(settings, environment)
    document = environment_document(view, settings.spell, places.directory(environment.name))
    steps = (*first, *(step for step in view.next_steps if step not in first))
    document["next"] = [settings.spell(step, environment.name) for step in steps]
    emit(settings, {**document, **extra}, fitting(f"{changed_text(environment)}{say}"))
    tell_next(settings, steps, environment.name)


def tell_unchanged(settings: Settings, places: Places, environment: Shown) -> None:
    """Print an environment for which `up` had nothing to do."""
    note(f"{environment.name} is already {environment.state.name}: nothing to do")
    tell_changed(settings, places, environment, extra={"changes": []})


def changed_text(environment: Shown, holder: Holder | None = None) -> str:
    """Return the line about a changed environment, and the command that the holder runs."""
    return f"{environment.name} is {View(environment, holder).condition}{_where(environment)}"


def _where(environment: Shown) -> str:
    if environment.state.name != "running" or environment.outputs.url is None:
        return ""
    release = f", release {environment.outputs.serving}" if environment.outputs.serving else ""
    return f" at {environment.outputs.url}{release}"
