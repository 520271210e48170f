from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.operation import Operation, StepInHand, StepResult
from environments.model.records import (
    AmendedRecord,
    AnyRecord,
    CreatedRecord,
    HistoryEntry,
    OperationRecord,
    StepRecord,
    TransitionRecord,
)
from environments.model.spec import EnvironmentSpec
from environments.model.states import Provisioning
from environments.testing import ScriptedSpec
from statechart.holder import Holder

RECORD: TypeAdapter[AnyRecord] = TypeAdapter(AnyRecord)
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
CREATED = Environment.new(EnvironmentSpec(name="demo", provider=ScriptedSpec()), AT)
OPERATION = Operation(
    id="1", command=CommandName.PROVISION, started_at=AT, holder=Holder.current("envchart provision")
)
AT_WORK: AnyEnvironment = CREATED.entering(Provisioning(), at=AT, operation=OPERATION)
INTENT = StepInHand(name="reserve", number=1, of=2, started_at=AT)
RESULT = StepResult(
    name="reserve", version=1, digest="0", outputs={"port": 8000}, duration=timedelta(seconds=1)
)

RECORDS: dict[str, AnyRecord] = {
    "created": CreatedRecord(environment=CREATED),
    "transition": TransitionRecord(
        event="provision", from_state="created", to_state="provisioning", environment=AT_WORK
    ),
    "operation": OperationRecord(change="closed", reason="it failed", environment=AT_WORK),
    "amended": AmendedRecord(fields=("provider.app", "description"), environment=CREATED),
    "intent": StepRecord(phase="intent", step="reserve", intent=INTENT),
    "result": StepRecord(phase="result", step="reserve", result=RESULT),
    "failure": StepRecord(phase="failure", step="reserve", summary="no port is free"),
}


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_record_survives_json(record: AnyRecord) -> None:
    again = RECORD.validate_json(RECORD.dump_json(record))

    assert again == record
    assert type(again) is type(record)


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_an_entry_of_the_history_survives_json(record: AnyRecord) -> None:
    entry = HistoryEntry(seq=3, revision=2, at=AT, actor="ann@lab", operation_id="1", record=record)

    assert HistoryEntry.model_validate_json(entry.model_dump_json()) == entry


def test_a_record_of_an_unknown_type_is_refused_and_the_types_are_named() -> None:
    with pytest.raises(
        ValidationError,
        match=r"'createed'.* 'transition', 'operation', 'amended', 'rebased', 'checkpoint', 'step'",
    ):
        RECORD.validate_python({"type": "createed"})


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_an_unknown_field_of_a_record_is_refused_and_named(record: AnyRecord) -> None:
    with pytest.raises(ValidationError, match="note_to_self\n  Extra inputs are not permitted"):
        RECORD.validate_python({**record.model_dump(), "note_to_self": "x"})


def test_the_record_of_an_environment_with_a_bad_name_is_refused() -> None:
    environment = {**CREATED.model_dump(), "name": "Demo"}

    with pytest.raises(ValidationError, match="invalid environment name 'Demo'"):
        RECORD.validate_python({"type": "created", "environment": environment})


@pytest.mark.parametrize(
    ("phase", "parts", "message"),
    [
        ("intent", {}, "only an intent record has an intent"),
        ("result", {}, "only a result record has a result"),
        ("failure", {"intent": INTENT}, "only an intent record has"),
        ("failure", {"result": RESULT}, "only a result record has"),
        ("intent", {"intent": INTENT, "result": RESULT}, "only a result record has"),
        ("result", {"intent": INTENT, "result": RESULT}, "only an intent record has"),
    ],
)
def test_a_step_record_has_only_the_part_of_its_phase(
    phase: str, parts: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        StepRecord.model_validate({"phase": phase, "step": "reserve", **parts})


def test_steps_are_applied_without_raising_the_revision() -> None:
    begun = StepRecord(phase="intent", step="reserve", intent=INTENT).applied_to(AT_WORK)
    finished = StepRecord(phase="result", step="reserve", result=RESULT).applied_to(begun)

    assert begun.operation is not None
    assert begun.operation.step == INTENT
    assert finished.operation is not None
    assert (finished.operation.step, finished.operation.steps_done) == (None, (RESULT,))
    assert finished.outputs.port == 8000
    assert {begun.revision, finished.revision} == {AT_WORK.revision}


def test_a_step_that_is_known_to_have_failed_is_not_in_doubt() -> None:
    begun = AT_WORK.with_intent(INTENT)

    left = StepRecord(phase="failure", step="reserve", summary="no port is free").applied_to(begun)

    assert left.operation is not None
    assert left.operation.step is None
    assert left.operation.is_active


def test_a_step_record_without_an_operation_is_an_error() -> None:
    with pytest.raises(ValueError, match="'demo' has a recorded step, but no operation"):
        StepRecord(phase="intent", step="reserve", intent=INTENT).applied_to(CREATED)
