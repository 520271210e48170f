"""Summary: one line about an environment, read without loading all of it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import AwareDatetime, BaseModel

from environments.model.command_name import CommandName
from environments.model.environment import condition
from environments.model.failure import Failure
from environments.model.operation import Operation
from environments.model.states import EnvironmentState


class _StateHead(BaseModel, frozen=True):
    name: EnvironmentState
    failure: Failure | None = None


class _OutputsHead(BaseModel, frozen=True):
    url: str | None = None
    serving: str | None = None


class _ProviderHead(BaseModel, frozen=True):
    kind: str


class _SpecHead(BaseModel, frozen=True):
    provider: _ProviderHead


class Summary(BaseModel, frozen=True):
    """What a list shows of an environment: the parts of it that the list needs, no others.

    Thousands are read at a time, so the moments are left as pydantic makes them.
    """

    name: str
    revision: int
    updated_at: AwareDatetime
    since: AwareDatetime
    state: _StateHead
    spec: _SpecHead
    outputs: _OutputsHead
    operation: Operation | None = None

    @property
    def condition(self) -> str:
        """The state and what is under way or has failed, in words."""
        return condition(self.state.name, self.operation, self.state.failure)

    @property
    def is_error(self) -> bool:
        """Whether something failed and has to be looked at."""
        operation = self.operation
        torn = (
            operation is not None and operation.command is CommandName.DESTROY and operation.effects_begun
        )
        return self.state.name.is_error or (torn and operation is not None and not operation.is_active)


@dataclass(frozen=True, slots=True)
class UnreadableSummary:
    """An environment that is there and can't be read, and why."""

    name: str
    error: Exception
