"""A session that records nothing, for dry runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.records import RevisionRecord, StepRecord
    from statechart.holder import Holder


class DryRunSession:
    """A session on a copy of an environment: records change only the copy."""

    crashed: Holder | None = None
    released_by: Holder | None = None
    notes: Sequence[str] = ()

    def __init__(self, environment: AnyEnvironment) -> None:
        self._environment = environment

    @property
    def environment(self) -> AnyEnvironment:
        """The copy, with all records applied."""
        return self._environment

    def commit(self, record: RevisionRecord) -> None:
        """Replace the copy by a record's environment."""
        self._environment = record.environment

    def append_step(self, record: StepRecord) -> None:
        """Apply the record of a step to the copy."""
        self._environment = record.applied_to(self._environment)

    def check(self) -> None:
        """Do nothing: there is no lease to lose."""

    def write_trace(self, name: str, text: str) -> str:
        """Return the path that the trace would have."""
        del text
        return f"traces/{name}"

    def close(self) -> None:
        """Do nothing: there is no lock to release."""

    def __enter__(self) -> DryRunSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
