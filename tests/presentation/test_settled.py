"""Settled environments read fast are presented as the same environments read in full."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment, Outputs
from environments.model.failure import Failure, FailureCause
from environments.model.operation import Operation, OperationStatus, StepInHand, StepResult, ToolProcess
from environments.model.provider_kinds import provider_class
from environments.model.records import (
    AmendedRecord,
    HowSettled,
    OperationRecord,
    StepRecord,
    TransitionRecord,
)
from environments.model.spec import EnvironmentSpec
from environments.model.states import EnvironmentState, enter
from environments.model.stored import SCHEMA_VERSION, StoredEntry, StoredEnvironment
from environments.presentation.documents import (
    environment_document,
    history_document,
    summary_document,
)
from environments.presentation.text import environment_text, facts_text, history_lines
from environments.presentation.view import View, look
from environments.providers.local import LocalProvider
from environments.storage.actor import last_actor
from environments.storage.file import FileRepository
from environments.storage.last_look import read_last_look, write_last_look
from environments.storage.own_specs import OWN_SPECS
from environments.storage.settled import settled_entries, settled_environment
from environments.storage.summaries import read_stored, summaries
from statechart.holder import Holder
from statechart.storage.forms import Form
from statechart.storage.layout import Layout

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(minutes=1, microseconds=120)
ODD = 'ä\u2028 \x1b[31m "quoted" \\ \x7f 😀 \t end'
DURATIONS = (
    timedelta(),
    timedelta(microseconds=1),
    timedelta(seconds=59.5),
    timedelta(hours=25, seconds=1),
    timedelta(days=800, milliseconds=20),
    timedelta(seconds=-1.25),
)
OUTPUTS = (
    Outputs(),
    Outputs(url="http://127.0.0.1:8080", port=8080, release="b", serving="a", previous="c"),
    Outputs(
        release="a",
        owned=False,
        instance_ip="::1",
        details={"größe": [1, 2**70, 0.1, 1e-320, None, {"": None}], ODD: True},
    ),
)


def failure(number: int) -> Failure:
    causes = tuple(FailureCause)
    return Failure(
        command=tuple(CommandName)[number % len(CommandName)],
        step="stop_service",
        cause=causes[number % len(causes)],
        summary=ODD,
        started_at=AT,
        failed_at=LATER,
        duration=DURATIONS[number % len(DURATIONS)],
        trace_id=str(number),
        trace_file="traces/1.log" if number % 2 else None,
    )


def operations() -> list[Operation | None]:
    statuses = (OperationStatus.FAILED, OperationStatus.INTERRUPTED)
    return [None, *(operation(command, status) for command in CommandName for status in statuses)]


def operation(command: CommandName, status: OperationStatus) -> Operation:
    number = list(CommandName).index(command)
    hand = StepInHand(name="create", number=1, of=2, started_at=AT, processes=(ToolProcess.of(1, "tofu"),))
    done = StepResult(name="done", version=1, digest="d", outputs={"details": {"a": None}}, note=ODD)
    return Operation(
        id=f"op{number}",
        command=command,
        status=status,
        started_at=AT,
        holder=Holder.current(f"envchart {command}"),
        steps_done=(done,) * (number % 2),
        step=hand if number % 3 else None,
        doubts=(hand,) * (number % 2),
        effects_begun=bool(number % 2),
        failure=failure(number) if number != 2 else None,
        resumes="op" if number % 2 else None,
    )


def entered(environment: AnyEnvironment, state: str, number: int = 0) -> AnyEnvironment:
    name = EnvironmentState(state)
    return environment.entering(
        enter(name, failure(number) if name.is_error else None),
        at=LATER,
        operation=operations()[number % len(operations())],
        outputs=OUTPUTS[number % len(OUTPUTS)],
    )


@pytest.fixture
def repository(tmp_path: Path) -> FileRepository:
    return FileRepository(tmp_path / "data")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data")


@pytest.fixture
def put(repository: FileRepository, tmp_path: Path) -> Callable[..., AnyEnvironment]:
    """Creates an environment, and brings it into a state."""

    def placed(name: str, state: str = "created", number: int = 0) -> AnyEnvironment:
        spec = EnvironmentSpec(
            name=name,
            description=ODD if number % 2 else "",
            provider=LocalProvider(app=tmp_path / "größe", env={"A": ODD, "B": ""}, port=number or None),
        )
        created = repository.create(Environment.new(spec, AT))
        if state == "created" and not number:
            return created
        after = entered(created, state, number)
        record = TransitionRecord(event="placed", from_state="created", to_state=state, environment=after)
        with repository.open(name, Holder.current("place")) as session:
            session.commit(record)
        return after

    return placed


# Every state with three operations, so that every operation has three states.
CASES = [
    (state.value, (place + shift) % len(operations()))
    for place, state in enumerate(EnvironmentState)
    for shift in (0, 4, 9)
]


def spell(step: str, name: str) -> str:
    return f"envchart {step.replace('NAME', name)}"


def style(text: str, colour: str) -> str:
    return f"<{colour}>{text}"


def presented(view: View[Any], directory: Path) -> tuple[str, str, str]:
    """Return all that is told of an environment; the order of keys counts."""
    return (
        json.dumps(environment_document(view, spell, directory)),
        environment_text(view, spell, style, directory),
        facts_text(view, style, directory),
    )


def read_history(layout: Layout, name: str) -> list[StoredEntry] | None:
    """Return all records of an environment if they are read fast, or None."""
    try:
        entries = settled_entries(layout, name)
        return None if entries is None else list(entries)
    except ValueError:
        return None


@pytest.mark.parametrize(("state", "number"), CASES)
def test_an_environment_is_presented_alike(
    repository: FileRepository, layout: Layout, put: Callable[..., AnyEnvironment], state: str, number: int
) -> None:
    put("demo", state, number)

    directory = repository.directory("demo")
    found = {"kind": "service_down", "what": "the service is down", "then": "up"}
    write_last_look(directory, repository.load("demo"), "2026-01-31T12:00:00Z", [found], [])

    settled = settled_environment(layout, "demo")

    assert settled is not None
    beside = {
        "actor": last_actor(layout.root, "demo"),
        "last_look": read_last_look(directory, settled),
    }
    assert None not in beside.values()
    view = View(settled, **beside)  # type: ignore[arg-type]
    assert presented(view, directory) == presented(look(repository, "demo"), directory)


@pytest.mark.parametrize(("state", "number"), CASES)
def test_a_line_of_the_list_is_presented_alike(
    repository: FileRepository, layout: Layout, put: Callable[..., AnyEnvironment], state: str, number: int
) -> None:
    put("demo", state, number)

    def refuse(name: str) -> StoredEnvironment:
        raise AssertionError(f"{name} was loaded")

    (few,) = summaries(layout, read_stored, refuse)
    (many,) = repository.summaries()

    assert not hasattr(few, "error")
    assert not hasattr(many, "error")
    environment = repository.load("demo")
    assert (many.condition, many.is_error) == (environment.condition, environment.is_error)
    documents = [json.dumps(summary_document(line, spell, held=False)) for line in (few, many)]
    assert documents[0] == documents[1]
    assert json.loads(documents[0])["since"] == environment.model_dump(mode="json")["since"]


def records(environment: AnyEnvironment) -> list[Any]:
    """Return records of each type and phase, with and without each optional part."""
    hand = StepInHand(name="create", number=1, of=2, started_at=AT)
    result = StepResult(
        name="create",
        version=2,
        digest="d",
        outputs={"port": 1, "url": None, "details": {"x": None}},
        note=None,
    )
    active = operations()[1]
    assert active is not None
    begun = environment.with_operation(
        active.model_copy(update={"status": OperationStatus.ACTIVE, "failure": None}), at=LATER
    )
    closed = begun.with_operation(operations()[4], at=LATER)
    amended = closed.with_spec(closed.spec.model_copy(update={"description": "new"}), at=LATER)
    return [
        OperationRecord(change="opened", environment=begun),
        StepRecord(phase="intent", step="create", intent=hand),
        StepRecord(phase="process", step="create", process=ToolProcess(pid=7, program="tofu")),
        StepRecord(phase="result", step="create", result=result),
        StepRecord(phase="intent", step="create", intent=hand),
        StepRecord(phase="failure", step="create", summary=ODD),
        StepRecord(
            phase="result",
            step="create",
            result=result.model_copy(update={"note": ODD, "probed": True, "duration": DURATIONS[4]}),
            settled=HowSettled(by="person", reason=ODD, who="ann"),
        ),
        StepRecord(phase="failure", step="create", settled=HowSettled(by="probe", reason="not there")),
        OperationRecord(change="closed", reason=ODD, environment=closed),
        AmendedRecord(fields=("description", "provider.port"), environment=amended),
    ]


def test_a_history_is_presented_alike(
    repository: FileRepository, layout: Layout, put: Callable[..., AnyEnvironment]
) -> None:
    environment = put("demo")
    with repository.open("demo", Holder.current("place")) as session:
        for record in records(environment):
            if isinstance(record, StepRecord):
                session.append_step(record)
            else:
                folded = session.environment
                after = record.environment.model_copy(update={"revision": folded.revision + 1})
                session.commit(record.model_copy(update={"environment": after}))

    settled = read_history(layout, "demo")

    assert settled is not None
    full = repository.history("demo")
    assert [json.dumps(history_document(entry)) for entry in settled] == [
        json.dumps(history_document(entry)) for entry in full
    ]
    assert list(history_lines(settled)) == list(history_lines(full))
    result = next(entry for entry in settled if entry.record.type == "step" and entry.record.result)
    outputs = {"port": 1, "url": None, "details": {"x": None}}  # kept: null takes a value away
    assert history_document(result)["result"]["outputs"] == outputs  # type: ignore[index]


def test_a_rebased_history_is_presented_alike(
    repository: FileRepository, layout: Layout, put: Callable[..., AnyEnvironment]
) -> None:
    put("demo", "running", 3)
    journal = repository.directory("demo") / "history.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"placed"', b'"edited"'))
    evidence = repository.survey("demo")
    repository.rebase(evidence, evidence.candidates[0], reason=ODD, holder=Holder.current("rebase"))

    settled = read_history(layout, "demo")

    assert settled is not None
    full = repository.history("demo")
    assert [history_document(entry) for entry in settled] == [history_document(entry) for entry in full]
    assert list(history_lines(settled)) == list(history_lines(full))


UNSETTLED: dict[str, Callable[[Path], object]] = {
    "no document": lambda place: (place / "state.json").unlink(),
    "a torn document": lambda place: edit(place / "state.json", b"\n}\n", b""),
    "an edited document": lambda place: edit(place / "state.json", b'"created"', b'"running"'),
    "an older document": lambda place: edit(
        place / "state.json", b'"schema_version": 3', b'"schema_version": 2'
    ),
    "no journal": lambda place: (place / "history.jsonl").unlink(),
    "an edited journal": lambda place: edit(place / "history.jsonl", b'"created"', b'"running"'),
    "a torn journal": lambda place: edit(place / "history.jsonl", b"}\n", b"}"),
    "a link for a journal": lambda place: (
        (place / "history.jsonl").rename(place / "other").with_name("history.jsonl").symlink_to("other")
    ),
    "another name": lambda place: (
        place.rename(place.with_name("other")).with_name("demo").symlink_to("other")
    ),
}


def edit(path: Path, old: bytes, new: bytes) -> None:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


@pytest.mark.parametrize("damage", UNSETTLED)
def test_whatever_is_not_sound_is_left_to_the_full_reader(
    repository: FileRepository, layout: Layout, put: Callable[..., AnyEnvironment], damage: str
) -> None:
    put("demo")
    UNSETTLED[damage](repository.directory("demo"))

    assert settled_environment(layout, "demo") is None
    assert read_history(layout, "demo") is None


@pytest.mark.parametrize("name", ["gone", "../demo", "", "Demo"])
def test_a_name_without_an_environment_is_left_to_the_full_reader(layout: Layout, name: str) -> None:
    assert settled_environment(layout, name) is None
    assert read_history(layout, name) is None


def test_an_environment_that_is_held_is_left_to_the_full_reader(
    repository: FileRepository, layout: Layout, put: Callable[..., AnyEnvironment]
) -> None:
    put("demo")

    with repository.open("demo", Holder.current("hold")):
        assert settled_environment(layout, "demo") is None
    assert settled_environment(layout, "demo") is not None


def test_a_journal_ahead_of_its_document_is_left_to_the_full_reader(
    repository: FileRepository, layout: Layout, put: Callable[..., AnyEnvironment]
) -> None:
    environment = put("demo")
    with repository.open("demo", Holder.current("place")) as session:
        session.commit(records(environment)[0])
        session.append_step(records(environment)[1])

    assert settled_environment(layout, "demo") is None
    assert read_history(layout, "demo") is None


def test_an_open_operation_is_left_to_the_full_reader(
    repository: FileRepository, layout: Layout, put: Callable[..., AnyEnvironment]
) -> None:
    environment = put("demo")
    with repository.open("demo", Holder.current("place")) as session:
        session.commit(records(environment)[0])

    assert settled_environment(layout, "demo") is None
    assert read_history(layout, "demo") is not None


def test_a_provider_of_another_package_is_left_to_the_full_reader(
    repository: FileRepository, layout: Layout
) -> None:
    from environments.testing import ScriptedSpec

    repository.create(Environment.new(EnvironmentSpec(name="demo", provider=ScriptedSpec()), AT))

    assert settled_environment(layout, "demo") is None
    assert read_history(layout, "demo") is None


def test_the_forms_of_own_specs_have_the_fields_of_their_models() -> None:
    def names(model: Any) -> Any:
        fields = getattr(model, "model_fields", None)
        return {name: names(field.annotation) for name, field in fields.items()} if fields else None

    def annotated(form: Any) -> Any:
        if not (isinstance(form, type) and issubclass(form, Form)):
            return None
        return {name: annotated(part) for name, part in form.__annotations__.items()}

    for kind, form in OWN_SPECS.items():
        assert annotated(form) == names(provider_class(kind))


@pytest.mark.parametrize("optional", [{}, {"playbook": "/p.yml", "address": "::1", "binary": "tofu"}])
def test_a_host_is_read_fast(repository: FileRepository, layout: Layout, optional: dict[str, str]) -> None:
    provider = {"kind": "terraform", "directory": "/m", "app": "/a", "ssh": {"key": "/k"}, **optional}
    spec = EnvironmentSpec.model_validate({"name": "demo", "provider": provider})
    repository.create(Environment.new(spec, AT))

    assert settled_environment(layout, "demo") is not None
    assert read_history(layout, "demo") is not None


@pytest.mark.parametrize(
    "change", [{"pinned_release": ...}, {"later": 1}, {"app": 1}, {"settle": "PT1000S"}, {"port": "80"}]
)
def test_a_spec_that_the_model_completes_or_refuses_is_left_to_the_full_reader(
    repository: FileRepository,
    layout: Layout,
    put: Callable[..., AnyEnvironment],
    change: dict[str, object],
) -> None:
    put("demo")
    place = repository.directory("demo")
    record = json.loads((place / "history.jsonl").read_text())
    spec = {**record["value"]["spec"]["provider"], **change}
    record["value"]["spec"]["provider"] = {key: part for key, part in spec.items() if part is not ...}
    line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
    keys = {
        "schema_version": SCHEMA_VERSION,
        "seq": 1,
        "head_hash": hashlib.sha256(line).hexdigest(),
        "journal_size": len(line),
    }
    (place / "history.jsonl").write_bytes(line)
    (place / "state.json").write_text(json.dumps({**record["value"], **keys}, indent=2) + "\n")

    assert settled_environment(layout, "demo") is None
    assert read_history(layout, "demo") is None
