"""Records of a dry run change only its copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from environments.model.environment import Environment
from environments.model.records import OperationRecord, StepRecord
from environments.model.states import Created
from environments.ports import EnvironmentRepository, Session
from environments.recovery.dry_run import DryRunSession
from environments.testing import FixedClock


def test_a_dry_run_session_applies_records_to_its_copy(
    created: Environment[Created],
    crash: Callable[..., Any],
    repository: EnvironmentRepository,
    clock: FixedClock,
) -> None:
    interrupted = crash("provision", "provisioning", "first_provision")
    rehearsed: Session = DryRunSession(interrupted)

    with rehearsed as session:
        session.append_step(StepRecord(phase="failure", step="first_provision", summary="not done"))
        settled = session.environment.with_operation(None, at=clock.now())
        session.commit(OperationRecord(change="settled", environment=settled))
        assert session.write_trace("a.log", "text") == "traces/a.log"
        session.check()

    assert (rehearsed.environment.revision, rehearsed.environment.operation) == (
        interrupted.revision + 1,
        None,
    )
    assert repository.load("demo") == interrupted
