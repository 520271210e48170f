"""Summary: one line about an environment, read without loading all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import Struct, field, to_builtins
from msgspec.json import Decoder

from environments.model.condition import condition, is_error
from environments.model.stored import Moment, StoredOperation, StoredProvider, StoredState

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.operation import Operation


class _SpecHead(Struct, frozen=True):
    provider: StoredProvider


class _OutputsHead(Struct, frozen=True):
    url: str | None = None
    serving: str | None = None


class Summary(Struct, frozen=True):
    """The parts of an environment that a list shows.

    Thousands are read at a time: the other parts are skipped, not read.
    """

    name: str
    revision: int
    updated_at: Moment
    since: Moment
    state: StoredState
    spec: _SpecHead
    outputs: _OutputsHead
    stored_operation: StoredOperation | None = field(name="operation", default=None)

    @classmethod
    def of(cls, environment: AnyEnvironment) -> Summary:
        """Return the summary of an environment."""
        return read_summary(environment.model_dump_json().encode())

    @property
    def operation(self) -> Operation | None:
        """The command that is being, or was last, attempted."""
        if self.stored_operation is None:
            return None
        # Lists start fast because they load no pydantic; an operation is asked for in few of them.
        from environments.model.operation import Operation

        return Operation.model_validate(to_builtins(self.stored_operation))

    @property
    def condition(self) -> str:
        """The state, and the command that is under way or has failed."""
        return condition(self.state.name, self.stored_operation, self.state.failure)

    @property
    def is_error(self) -> bool:
        """Whether the environment needs attention."""
        return is_error(self.state.name, self.stored_operation)


read_summary = Decoder(Summary).decode
"""Read the summary of an environment from its JSON."""


@dataclass(frozen=True, slots=True)
class UnreadableSummary:
    """An environment that can't be read, and the error."""

    name: str
    error: Exception
