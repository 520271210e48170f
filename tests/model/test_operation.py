from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from environments.model.command_name import CommandName
from environments.model.failure import Failure, FailureCause
from environments.model.operation import Operation, OperationStatus, StepInHand, StepResult, ToolProcess
from statechart.holder import Holder

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
FAILURE = Failure(
    command=CommandName.RELEASE,
    step="copy",
    cause=FailureCause.FILE_SYSTEM,
    summary="no space left",
    started_at=AT,
    failed_at=AT,
    duration=timedelta(milliseconds=1500),
    trace_id="1",
)
OPENED = Operation(
    id="1", command=CommandName.RELEASE, started_at=AT, holder=Holder.current("envchart release")
)
LOOK = StepInHand(name="look", number=1, of=2, started_at=AT, has_effect=False)
COPY = StepInHand(name="copy", number=2, of=2, started_at=AT)
COPIED = StepResult(
    name="copy",
    version=2,
    digest="d" * 64,
    outputs={"release": "a1"},
    note="3 files",
    duration=timedelta(seconds=2),
)

VARIANTS = {
    "opened": OPENED,
    "with a step in hand": OPENED.with_intent(COPY),
    "with a result": OPENED.with_intent(COPY).with_result(COPIED),
    "failed": OPENED.with_intent(COPY).without_step(COPY.name).failed(FAILURE),
    "interrupted": OPENED.with_intent(COPY).model_copy(update={"status": OperationStatus.INTERRUPTED}),
    "resumed": OPENED.model_copy(update={"resumes": "0", "supersedes": "00", "steps_done": (COPIED,)}),
}


@pytest.mark.parametrize("operation", VARIANTS.values(), ids=VARIANTS)
def test_an_operation_survives_json(operation: Operation) -> None:
    assert Operation.model_validate_json(operation.model_dump_json()) == operation
    assert Operation.model_validate(operation.model_dump()) == operation


def test_an_operation_begins_active_with_nothing_done() -> None:
    assert OPENED.is_active
    assert (OPENED.step, OPENED.steps_done, OPENED.effects_begun) == (None, (), False)


def test_a_step_that_only_looks_begins_no_effects() -> None:
    assert not OPENED.with_intent(LOOK).effects_begun


def test_effects_once_begun_stay_begun() -> None:
    begun = OPENED.with_intent(COPY)

    assert begun.effects_begun
    assert begun.with_result(COPIED).effects_begun
    assert begun.without_step(begun.step.name).effects_begun
    assert begun.with_result(COPIED).with_intent(LOOK).effects_begun
    assert begun.failed(FAILURE).effects_begun


def test_a_result_ends_the_current_step_and_follows_earlier_results() -> None:
    first = StepResult(name="look", version=1, digest="0", has_effect=False)

    operation = OPENED.with_intent(LOOK).with_result(first).with_intent(COPY).with_result(COPIED)

    assert operation.step is None
    assert operation.steps_done == (first, COPIED)


def test_a_failure_closes_the_operation_and_is_kept() -> None:
    failed = OPENED.with_intent(COPY).without_step(COPY.name).failed(FAILURE)

    assert not failed.is_active
    assert (failed.status, failed.failure, failed.step) == (OperationStatus.FAILED, FAILURE, None)


def test_a_failure_leaves_a_step_in_doubt_where_it_is() -> None:
    assert OPENED.with_intent(COPY).failed(FAILURE).step == COPY


def test_changing_an_operation_leaves_the_original_unchanged() -> None:
    before = OPENED.model_dump_json()

    OPENED.with_intent(COPY).with_result(COPIED).failed(FAILURE)

    assert OPENED.model_dump_json() == before


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "command",
            "deploy",
            "command\n  Input should be 'provision', 'register', 'configure', "
            "'release', 'run', 'stop' or 'destroy'",
        ),
        ("status", "done", "status\n  Input should be 'active', 'failed' or 'interrupted'"),
        ("pid", 1, "pid\n  Extra inputs are not permitted"),
        ("started_at", "2026-01-01T12:00:00", "started_at\n  Input should have timezone info"),
        ("step", {**COPY.model_dump(), "name": None}, r"step.name\n  Input should be a valid string"),
        ("steps_done", [{"name": "copy"}], r"steps_done.0.version\n  Field required"),
    ],
)
def test_invalid_data_of_an_operation_are_refused_with_the_field(
    field: str, value: object, message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Operation.model_validate({**OPENED.model_dump(), field: value})


def test_an_operation_never_changes() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        OPENED.status = OperationStatus.FAILED  # type: ignore[misc]


def test_beginning_a_step_leaves_an_unfinished_step_in_doubt() -> None:
    begun = OPENED.with_intent(COPY).with_intent(LOOK)

    assert begun.step == LOOK
    assert begun.in_doubt == (LOOK, COPY)


def test_a_result_settles_only_its_own_step() -> None:
    begun = OPENED.with_intent(COPY).with_intent(LOOK)

    assert begun.with_result(COPIED).in_doubt == (LOOK,)
    assert begun.without_step(LOOK.name).in_doubt == (COPY,)


def test_a_step_that_is_begun_again_is_in_doubt_only_once() -> None:
    begun = OPENED.with_intent(COPY).with_intent(LOOK).with_intent(COPY)

    assert begun.in_doubt == (COPY, LOOK)


def test_processes_belong_to_the_current_step() -> None:
    tool = ToolProcess(pid=71, program="terraform", started=5, boot_id="b")

    with_tool = OPENED.with_intent(COPY).with_process(tool)

    assert with_tool.step is not None
    assert with_tool.step.processes == (tool,)
    assert with_tool.with_intent(LOOK).doubts[0].processes == (tool,)
    assert OPENED.with_process(tool) == OPENED


def test_recovery_closes_an_operation_as_interrupted() -> None:
    closed = OPENED.with_intent(COPY).interrupted(FAILURE)

    assert (closed.status, closed.failure, closed.is_active) == (
        OperationStatus.INTERRUPTED,
        FAILURE,
        False,
    )
