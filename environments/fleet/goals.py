"""Goals: a state to reach, or a command to run once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from environments.convergence.deployment import require_deployable
from environments.errors import NothingToRetry
from environments.execution.plan import plan
from environments.fleet.errors import InvalidGoal
from environments.lifecycle import Lifecycle, Subject
from environments.model.command_name import PATH, CommandName
from environments.model.states import EnvironmentState

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment

STATES: Final = ("provisioned", "configured", "released", "running", "destroyed")
COMMANDS: Final = ("deploy", "restart", "stop", "retry", "recover", "drift")
GOALS: Final = (*STATES, *COMMANDS)
"""The goals of a fleet: states to reach, and commands to run once."""

_SYNONYMS: Final = {"destroy": "destroyed", "up": "running", "run": "running", "start": "running"}
_EVENTS: Final = {"restart": Lifecycle.run, "stop": Lifecycle.stop}
_COMMANDS: Final = {
    "provisioned": PATH[:1],
    "configured": PATH[:2],
    "released": PATH[:3],
    "destroyed": (CommandName.DESTROY,),
    "restart": (CommandName.RUN,),
    "stop": (CommandName.STOP,),
    "recover": (),
    "drift": (),
}
_ACHIEVED_BY: Final = {
    "deploy": CommandName.RUN,
    "restart": CommandName.RUN,
    "stop": CommandName.STOP,
}


@dataclass(frozen=True, slots=True)
class Goal:
    """A state to reach, or a command to run once.

    Attributes:
        text: A word of `GOALS`.
    """

    text: str

    @classmethod
    def read(cls, text: str) -> Goal:
        """Read a goal; the names of commands that lead to a state mean that state.

        Raises:
            InvalidGoal: There is no such goal.
        """
        word = _SYNONYMS.get(text, text)
        if word not in GOALS:
            raise InvalidGoal(text, GOALS)
        return cls(word)

    @property
    def state(self) -> EnvironmentState | None:
        """The state to reach; None for a command."""
        return EnvironmentState(self.text) if self.text in STATES else None

    @property
    def achieved_by(self) -> CommandName | None:
        """The command whose success achieves a goal that is a command, if that can be told."""
        return _ACHIEVED_BY.get(self.text)

    @property
    def commands(self) -> tuple[CommandName, ...]:
        """The commands that the work may run."""
        return _COMMANDS.get(self.text, PATH)

    @property
    def needs_sources(self) -> bool:
        """Whether the work reads the application and other files that the declaration names."""
        return self.text not in ("destroyed", "stop", "recover", "drift")

    @property
    def takes_new_files(self) -> bool:
        """Whether the work is to use the files as they are now on the machine of the asker."""
        return self.text in ("deploy", "running")

    @property
    def needs_secrets(self) -> bool:
        """Whether the work resolves secrets."""
        return self.text != "recover"

    def check(self, environment: AnyEnvironment) -> None:
        """Check that the goal can be reached from the recorded state.

        An interrupted command, or one under way, is no obstacle: the state after it is not known yet.

        Raises:
            UnreachableTarget: No plan leads to the state.
            InvalidTransition: The state does not allow the command.
            NotProvisioned: There is nothing to deploy to.
            NothingToRetry: No command has failed.
        """
        state = self.state
        operation = environment.operation
        if operation is not None and operation.is_active:
            return
        if state is not None and state is not EnvironmentState.DESTROYED:
            plan(environment, state)
        elif self.text == "retry" and environment.failure is None:
            raise NothingToRetry(environment.name, environment.state.name)
        elif self.text == "deploy":
            require_deployable(environment)
        elif event := _EVENTS.get(self.text):
            Lifecycle.bound(Subject.of(environment)).require(event)
