"""The actions that pages offer: the commands that can follow, each a fixed command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from environments.presentation.story import reason

if TYPE_CHECKING:
    from environments.presentation.documents import Spell
    from environments.presentation.view import Shown, View


@dataclass(frozen=True, slots=True)
class Action:
    """A command that a page may start.

    Attributes:
        path: The last part of its address.
        step: The command as guidance names it; `NAME` stands for the environment.
        words: The words on its button.
        options: Options that answer what the command would ask on a terminal.
        is_confirmed: Whether the name of the environment has to be typed.
    """

    path: str
    step: str
    words: str
    options: tuple[str, ...] = ()
    is_confirmed: bool = False

    @property
    def effect(self) -> str:
        """The effect of the command."""
        return reason(self.step)

    def command_line(self, name: str) -> tuple[str, ...]:
        """Return the words of the command for an environment."""
        return *(name if word == "NAME" else word for word in self.step.split()), *self.options


def _plain(command: str) -> Action:
    return Action(command, f"{command} NAME", command)


_ALL = (
    *map(
        _plain,
        ("up", "provision", "register", "configure", "release", "run", "deploy", "restart", "stop"),
    ),
    *map(_plain, ("retry", "recover")),
    Action("deploy-previous", "deploy NAME --previous", "deploy the release before"),
    Action("destroy", "destroy NAME", "destroy", ("--yes",), is_confirmed=True),
    Action("purge", "purge NAME", "purge", ("--yes",), is_confirmed=True),
)
ACTIONS: Final[Mapping[str, Action]] = {each.path: each for each in _ALL}
"""The actions by the last part of their address. What a request says becomes no word of a command."""

_BY_STEP: Final[Mapping[str, Action]] = {each.step: each for each in _ALL}


def offered(view: View[Shown]) -> Iterator[Action]:
    """Yield the actions that can follow now, the best first; none while a process is at work."""
    if view.holder is None:
        yield from (_BY_STEP[step] for step in view.next_steps if step in _BY_STEP)


def spelled(action: Action, name: str, spell: Spell) -> str:
    """Return the command to type for the same."""
    return spell(action.step, name)
