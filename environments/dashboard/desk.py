"""The desk: everything that the pages of environments work with."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from environments.errors import InvalidName
from environments.model.names import check_name
from environments.presentation.error_reports import Surroundings
from statechart.dashboard.refusals import Refused
from statechart.terminal.settings import shell_word

if TYPE_CHECKING:
    from environments.dashboard.meter import Meter
    from environments.dashboard.works import Works
    from environments.fleet.fleet import Fleet
    from environments.overview.row import EnvironmentRow
    from environments.presentation.documents import Spell
    from environments.workspace import Workspace
    from statechart.dashboard.site import Board


@dataclass(frozen=True, slots=True)
class Desk:
    """A dashboard's workspace with its board; each module of pages makes its routes from it.

    Attributes:
        workspace: The environments, which are read only.
        board: The index, the templates and the open pages.
        spell: Spells a next command with its data directory, for any shell on this machine.
        meter: Counts what is recorded.
        works: The commands that pages have started; None if they may start none.
        fleet: The fleet that works on the environments, if their store can carry one.
    """

    workspace: Workspace
    board: Board[EnvironmentRow]
    spell: Spell
    meter: Meter
    works: Works | None = None
    fleet: Fleet | None = None


def surroundings_of(desk: Desk) -> Surroundings:
    """Return the surroundings of the errors of a desk's workspace."""
    return Surroundings(desk.spell, desk.workspace.names, lambda: desk.workspace)


def spell_for(workspace: Workspace) -> Spell:
    """Return a function that spells commands for the environments of a workspace, without a password.

    If they are in memory, the command line finds none of them.
    """
    where = ""
    if workspace.root is not None:
        where = f" --data-dir {shell_word(str(workspace.root))}"
    elif workspace.store_url is not None:
        where = f" --store {shell_word(workspace.where)}"
    return lambda words, name: f"envchart {words.replace('NAME', name)}{where}"


def checked(name: str) -> str:
    """Return a name that an environment can have.

    Raises:
        Refused: None can have it.
    """
    try:
        return check_name(name)
    except InvalidName as error:
        raise Refused(HTTPStatus.NOT_FOUND, "not_found", "no environment can have this name") from error
