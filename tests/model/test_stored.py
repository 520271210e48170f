"""The stored forms are held against the models, which define them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from environments.model.command_name import CommandName
from environments.model.environment import Environment, Outputs
from environments.model.failure import Failure, FailureCause
from environments.model.fields.expiry import read_expires
from environments.model.operation import Operation, StepInHand, StepResult, ToolProcess
from environments.model.records import (
    AmendedRecord,
    CreatedRecord,
    HowSettled,
    OperationRecord,
    RebasedRecord,
    StepRecord,
    TransitionRecord,
)
from environments.model.spec import EnvironmentSpec
from environments.model.states import EnvironmentState, RunFailed
from environments.model.stored import (
    SCHEMA_VERSION,
    Cause,
    Command,
    StateName,
    StoredAmended,
    StoredChange,
    StoredCreated,
    StoredEnvironment,
    StoredFailure,
    StoredHolder,
    StoredOperation,
    StoredOutputs,
    StoredProcess,
    StoredRebased,
    StoredResult,
    StoredSettlement,
    StoredSpec,
    StoredState,
    StoredStep,
    StoredStepRecord,
    StoredTransition,
)
from environments.storage.file import SCHEMA_VERSION as WRITTEN, FileRepository
from statechart.holder import Holder
from statechart.storage.forms import Form, read_form

DATA = Path(__file__).parents[1] / "formats" / "2" / "data"
GONE = object()
ODD = [
    *(None, True, -1, 0, 2**70, 1.5, 1.0, "", "running", "\0\x1b[31m", [], {}, {"name": "running"}),
    *("2026-13-45T00:00:00Z", "2026-01-01T00:00:00+02:00", "2026-01-01T00:00:00", "0001-01-01T00:00:00Z"),
    *("PT9999999999999S", "P1Y", "PT1H", "PT0.5S", "-PT3S", "P", GONE),
]


@pytest.mark.parametrize(
    ("form", "model"),
    [
        (StoredHolder, Holder),
        (StoredFailure, Failure),
        (StoredProcess, ToolProcess),
        (StoredStep, StepInHand),
        (StoredResult, StepResult),
        (StoredOperation, Operation),
        (StoredState, RunFailed),
        (StoredOutputs, Outputs),
        (StoredSpec, EnvironmentSpec),
        (StoredEnvironment, Environment),
        (StoredSettlement, HowSettled),
        (StoredStepRecord, StepRecord),
    ],
)
def test_a_form_has_the_fields_of_its_model_in_order(form: type[Form], model: type[BaseModel]) -> None:
    assert list(form.__annotations__) == list(model.model_fields)


@pytest.mark.parametrize(
    ("form", "model"),
    [
        (StoredCreated, CreatedRecord),
        (StoredTransition, TransitionRecord),
        (StoredChange, OperationRecord),
        (StoredAmended, AmendedRecord),
        (StoredRebased, RebasedRecord),
    ],
)
def test_the_environment_of_a_record_is_read_apart(form: type[Form], model: type[BaseModel]) -> None:
    assert [*form.__annotations__, "environment"] == list(model.model_fields)


@pytest.mark.parametrize(
    ("alias", "enum"), [(Command, CommandName), (StateName, EnvironmentState), (Cause, FailureCause)]
)
def test_a_form_knows_the_values_of_the_enum(alias: Any, enum: type[StrEnum]) -> None:
    assert get_args(alias) == tuple(enum)


def test_the_forms_are_those_of_the_version_that_is_written() -> None:
    assert SCHEMA_VERSION == WRITTEN


def values() -> Iterator[Any]:
    """Yield stored environments: of each kind of history that the format tests keep."""
    repository = FileRepository(DATA)
    created = repository.load("created")
    for name, expires in {"until": "2030-01-31T18:00:00Z", "for": "PT8H"}.items():
        update = {"labels": {"team": "web", "purpose": ""}, "expires": read_expires(expires)}
        labelled = created.with_spec(created.spec.model_copy(update=update), at=created.created_at)
        yield pytest.param(labelled.model_dump(mode="json"), id=f"expires-{name}")
    destroyed = created.spec.model_copy(update={"expires": timedelta(hours=8), "on_expiry": "destroy"})
    expiring = created.with_spec(destroyed, at=created.created_at)
    yield pytest.param(expiring.model_dump(mode="json"), id="expires-destroyed")
    for name in sorted(path.name for path in DATA.iterdir() if not path.name.startswith(".")):
        yield pytest.param(repository.load(name).model_dump(mode="json"), id=name)


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    parts = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [place, *(below for key, part in parts for below in places(part, (*place, key)))]


def odd_values(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, Any]]:
    """Yield each odd thing, and the value with it at a place; one copy, as copies cost the most here."""
    result = copy.deepcopy(value)
    *way, last = place
    part = result
    for key in way:
        part = part[key]
    for odd in ODD:
        if odd is GONE:
            del part[last]  # the last of them, as it can't be put back at its place
        else:
            part[last] = odd
        yield odd, result


@pytest.mark.parametrize("value", list(values()))
def test_what_a_model_wrote_fits_its_form(value: Any) -> None:
    assert read_form(StoredEnvironment, value).plain == value


@pytest.mark.parametrize(
    "value",
    [each for each in values() if each.id in ("recovered", "redeployed", "expires-until", "expires-for")],
)
def test_what_fits_a_form_is_what_the_model_would_write(value: Any) -> None:
    for place in places(value)[1:]:
        if place[:2] == ("spec", "provider") or place[-1] in ("name", "instance_name"):
            continue  # the provider's own, and the rules of names, which hold for each name on disk
        for odd, edited in odd_values(value, place):
            try:
                read_form(StoredEnvironment, edited)
            except ValueError:
                continue
            try:
                written = Environment.model_validate(edited).model_dump(mode="json")
            except ValidationError as error:
                pytest.fail(f"{place} = {odd!r} fits the form, but not the model: {error}")
            assert json.dumps(written) == json.dumps(edited), (place, odd)
