"""Summaries of environments, read without the rest of their documents."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from msgspec import Meta, Struct, field
from msgspec.json import Decoder
from msgspec.structs import replace

from environments.model.condition import condition, is_error
from environments.model.errors import UnreadableSummary
from environments.model.fields.expiry import expiry, read_expires
from environments.model.fields.last_look import LastLook
from environments.model.stored import SCHEMA_VERSION, StateName, StoredOperation
from statechart.storage.forms import read_form

__all__ = ["Summary", "UnreadableSummary", "read_summary"]

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.operation import Operation

_Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]


class FailureHead(Struct, frozen=True, gc=False):
    """The part of a failure that a condition names."""

    step: str
    summary: str


class _StateHead(Struct, frozen=True, gc=False):
    name: StateName
    failure: FailureHead | None = None


class _ProviderHead(Struct, frozen=True, gc=False):
    kind: str


class _SpecHead(Struct, frozen=True, gc=False):
    provider: _ProviderHead
    labels: dict[str, str] = {}
    expires: str | None = None
    on_expiry: str = "propose"


class _OutputsHead(Struct, frozen=True, gc=False):
    url: str | None = None
    release: str | None = None
    serving: str | None = None
    previous: str | None = None
    served: str | None = None


class Summary(Struct, frozen=True, gc=False):
    """The parts of an environment that a list shows.

    Thousands are read at a time: the other parts are skipped, not read.

    Attributes:
        actor: Who wrote the last record; None if that can't be read.
        last_look: The differences that `drift` found when it last looked, or None if it never did.
    """

    name: str
    revision: int
    created_at: _Moment
    updated_at: _Moment
    since: _Moment
    state: _StateHead
    spec: _SpecHead
    outputs: _OutputsHead
    plain_operation: dict[str, Any] | None = field(name="operation", default=None)  # Any: JSON
    schema_version: int = 0
    journal_size: int = 0
    lineage: str = ""
    # These two are not in the document.
    actor: str | None = None
    last_look: LastLook | None = None

    @classmethod
    def of(
        cls, environment: AnyEnvironment, actor: str | None = None, look: LastLook | None = None
    ) -> Summary:
        """Return the summary of an environment; for the other arguments, see `seen`."""
        return _decode(environment.model_dump_json()).seen(actor, look)

    def seen(self, actor: str | None, look: LastLook | None) -> Summary:
        """Return the summary with the actor of the last record, and the last look at the world."""
        return replace(self, actor=actor, last_look=look)

    @property
    def operation(self) -> Operation | None:
        """The command that is being, or was last, attempted."""
        if self.plain_operation is None:
            return None
        # Lists start fast because they load no pydantic; few callers ask for the operation.
        from environments.model.operation import Operation

        return Operation.model_validate(self.plain_operation)

    @property
    def stored_operation(self) -> StoredOperation | None:
        """The same, as a stored form."""
        return None if self.plain_operation is None else read_form(StoredOperation, self.plain_operation)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the spec."""
        return self.spec.labels

    @property
    def expires_at(self) -> datetime | None:
        """The time at which the environment expires, or None."""
        return (
            None if self.spec.expires is None else expiry(self.created_at, read_expires(self.spec.expires))
        )

    @property
    def condition(self) -> str:
        """The state, and the command that is under way or has failed."""
        return condition(self.state.name, self.stored_operation, self.state.failure)

    @property
    def is_error(self) -> bool:
        """Whether the environment needs attention."""
        return is_error(self.state.name, self.stored_operation)


_decode = Decoder(Summary).decode


def read_summary(document: bytes, journal_size: int) -> Summary | None:
    """Read a summary from a document, or return None if the document does not show a journal's end.

    Raises:
        ValueError: The document is not that of an environment.
    """
    summary = _decoded(document)
    if summary.journal_size != journal_size or summary.schema_version != SCHEMA_VERSION:
        return None
    return _checked(summary)


def read_value(value: bytes | str) -> Summary:
    """Read a summary from the JSON of an environment in the present schema.

    Raises:
        ValueError: The JSON is not that of an environment.
    """
    return _checked(_decoded(value))


def _decoded(document: bytes | str) -> Summary:
    try:
        return _decode(document)
    except RecursionError as error:
        raise ValueError("the document is nested too deeply") from error


def _checked(summary: Summary) -> Summary:
    if summary.plain_operation is not None:
        _ = summary.stored_operation  # raises ValueError
    if summary.spec.expires is not None:
        _ = summary.expires_at  # likewise
    return summary
