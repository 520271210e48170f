"""Open the fleet of a command line, and choose environments for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.cli import loading
from environments.fleet.errors import FleetUnavailable
from environments.fleet.fleet import Fleet
from statechart.terminal.refusal import UsageRefused

if TYPE_CHECKING:
    from environments.cli.many.choice import Choice
    from environments.cli.settings import Settings
    from environments.selection import Selection


def store_of(settings: Settings) -> str:
    """Return the URL of the store.

    Raises:
        FleetUnavailable: The environments are in a data directory.
    """
    store = settings.store
    if store is None:
        raise FleetUnavailable(
            f"a fleet needs a store in PostgreSQL, and {settings.data_dir} is a directory"
        )
    return store


def fleet_of(settings: Settings) -> Fleet:
    """Return the fleet of the store.

    Raises:
        FleetUnavailable: The store is not PostgreSQL, or the extra is not installed.
    """
    return Fleet(store_of(settings), workspace=loading.workspace(settings))


def selection_of(settings: Settings, choice: Choice) -> Selection:
    """Return the chosen environments.

    Raises:
        UsageRefused: Nothing was chosen.
    """
    if choice.is_empty:
        steps = (settings.spell("fleet submit NAME"), settings.spell("fleet submit --all"))
        raise UsageRefused("give NAME or --all", steps)
    return choice.selection
