"""The text of environments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from environments.model.command_name import CommandName
from environments.model.environment import Environment, Outputs
from environments.model.failure import Failure, FailureCause
from environments.model.operation import Operation, OperationStatus
from environments.model.records import HistoryEntry, TransitionRecord
from environments.model.spec import EnvironmentSpec
from environments.model.states import EnvironmentState, enter
from environments.presentation.text import facts_text, history_lines
from environments.presentation.view import View
from environments.testing import ScriptedSpec
from statechart.holder import Holder
from statechart.terminal.text import ago

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(), "now"),
        (timedelta(seconds=-5), "now"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=9), "9 days ago"),
    ],
)
def test_an_age_is_given_in_one_unit(passed: timedelta, words: str) -> None:
    assert ago(AT, AT + passed) == words


@pytest.mark.parametrize(
    ("started", "trace_id", "label"),
    [
        (timedelta(hours=-1), "1", "failed"),
        (timedelta(hours=1), "0", "before it"),
        (timedelta(hours=1), "1", "failed"),  # by a machine whose clock is ahead
    ],
)
def test_a_failure_is_that_of_a_recovered_command_or_older(
    started: timedelta, trace_id: str, label: str
) -> None:
    failure = Failure(
        command=CommandName.RUN,
        step="check_health",
        cause=FailureCause.INTERRUPTED,
        summary="it was interrupted at this step",
        started_at=AT,
        failed_at=AT,
        duration=timedelta(),
        trace_id=trace_id,
    )
    recovered = Operation(
        id="1",
        command=CommandName.DESTROY,
        status=OperationStatus.INTERRUPTED,
        started_at=AT + started,
        holder=Holder.current("envchart destroy"),
    )
    created = Environment.new(EnvironmentSpec(name="demo", provider=ScriptedSpec()), AT)
    state = enter(EnvironmentState.RUN_FAILED, failure)
    environment = created.entering(state, at=AT, operation=recovered, outputs=Outputs())

    lines = facts_text(View(environment), lambda text, _colour: text, Path("/data/demo")).splitlines()

    assert any(line.startswith("  recovered  destroy, begun ") for line in lines)
    assert f"  {label:9}  run at check_health (interrupted), 2026-01-01 00:00:00Z after 0.00s" in lines
    assert "under way" not in " ".join(lines)
    narrow = facts_text(View(environment), lambda text, _colour: text, Path("/data/demo"), 40).splitlines()
    assert max(map(len, narrow)) <= 40
    assert f"  {label:9}  run at check_health" in narrow
    assert f"{'':13}(interrupted), 2026-01-01" in narrow


def test_a_duration_between_the_clocks_of_two_machines_is_not_told() -> None:
    created = Environment.new(EnvironmentSpec(name="demo", provider=ScriptedSpec()), AT)
    record = TransitionRecord(
        event="fail", from_state="provisioning", to_state="provision_failed", environment=created
    )
    entries = [
        HistoryEntry(seq=seq, revision=1, at=AT + passed, actor="ann", operation_id="1", record=record)
        for seq, passed in enumerate([timedelta(hours=1), timedelta(), timedelta(hours=2)], start=1)
    ]

    lines = list(history_lines(entries))

    assert not any("-" in line.partition("after ")[2] for line in lines)
    assert lines[2].endswith("provision_failed")
    assert lines[3].endswith("after 3600.00s")
