"""Rehearsal: a session on a copy, for finding out what would be recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.records import RevisionRecord, StepRecord
    from statechart.holder import Holder


class DryRunSession:
    """A session on a copy: what is written to it is seen in it, and nowhere else."""

    crashed: Holder | None = None
    released_by: Holder | None = None
    notes: Sequence[str] = ()

    def __init__(self, environment: AnyEnvironment) -> None:
        self._environment = environment

    @property
    def environment(self) -> AnyEnvironment:
        """The environment as it would be."""
        return self._environment

    def commit(self, record: RevisionRecord) -> None:
        """Go on with a record's environment."""
        self._environment = record.environment

    def append_step(self, record: StepRecord) -> None:
        """Go on with a step's record."""
        self._environment = record.applied_to(self._environment)

    def check(self) -> None:
        """Hold nothing, and so lose nothing."""

    def write_trace(self, name: str, text: str) -> str:
        """Write nothing."""
        del text
        return f"traces/{name}"

    def close(self) -> None:
        """Hold nothing."""

    def __enter__(self) -> DryRunSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
