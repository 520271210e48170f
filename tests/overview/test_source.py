"""Every environment has a row, in whatever condition it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from environments import Workspace
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.operation import Operation, StepInHand
from environments.model.records import OperationRecord, StepRecord
from environments.model.spec import EnvironmentSpec
from environments.overview import GROUPS, EnvironmentRow, EnvironmentSource
from environments.overview.told import told, trouble
from environments.ports import EnvironmentRepository
from environments.storage.file import FileRepository
from environments.storage.last_look import write_last_look
from environments.testing import ScriptedProvider, ScriptedSpec
from statechart.holder import Holder
from statechart.overview import Index, Query
from tests.conftest import Place


@pytest.fixture
def repository(tmp_path: Path) -> FileRepository:
    return FileRepository(tmp_path / "data")


@pytest.fixture
def source(repository: EnvironmentRepository) -> EnvironmentSource:
    return EnvironmentSource(
        Workspace(repository=repository), lambda step, name: f"envchart {step}".replace("NAME", name)
    )


def specified(name: str, **labels: str) -> EnvironmentSpec:
    return EnvironmentSpec(name=name, provider=ScriptedSpec(), labels=labels)


def rows(source: EnvironmentSource) -> dict[str, EnvironmentRow]:
    return {row.name: row for row in source.rows()}


def test_each_environment_is_in_the_group_of_its_condition(
    source: EnvironmentSource,
    repository: FileRepository,
    place: Place,
    created: object,
    crash: Callable[..., AnyEnvironment],
) -> None:
    for state in ("running", "destroyed", "configured", "provision_failed"):
        place(state, spec=specified(state.replace("_", "-")))
    crash("provision", "provisioning", "create_directories")  # of demo

    found = rows(source)

    assert {name: row.group for name, row in found.items()} == {
        "running": "running", "destroyed": "destroyed", "configured": "idle",
        "provision-failed": "failed", "demo": "interrupted",
    }  # fmt: skip
    assert source.groups == GROUPS
    assert found["demo"].document(source.spell)["condition"] == (
        "provisioning (provision interrupted at step create_directories)"
    )
    with repository.open("demo", Holder.current("recover")):
        assert rows(source)["demo"].group == "under-way"
        assert source.row("demo") == rows(source)["demo"]
    assert source.row("demo") == found["demo"]


def test_what_is_half_taken_away_comes_first(
    source: EnvironmentSource, place: Place, created: object, crash: Callable[..., AnyEnvironment]
) -> None:
    place("run_failed", spec=specified("failed"))
    place("running", spec=specified("fine"))
    crash("destroy", None, "first_destroy")

    index = Index(source)
    index.read()

    assert [row.name for row in index.rows] == ["failed", "demo", "fine"]
    assert EnvironmentRow.of(source.workspace.summary("demo"), held=False).rank < (  # type: ignore[arg-type]
        index.rows[1].rank[0],
        1,
    )


def test_an_environment_that_cannot_be_read_has_a_row_that_says_so(
    source: EnvironmentSource, repository: FileRepository, place: Place
) -> None:
    for name in ("torn", "half", "foreign", "fine"):
        place("running", spec=specified(name))
    root = repository.root
    journal = root / "torn" / "history.jsonl"
    journal.write_text(journal.read_text().replace('"seq":1', '"seq":7'))
    (root / "torn" / "state.json").unlink()
    for file in ("history.jsonl", "state.json"):
        (root / "half" / file).unlink()
        foreign = root / "foreign" / file
        foreign.write_text(foreign.read_text().replace("scripted", "uprooted"))
    (root / "copy").mkdir()
    for file in ("history.jsonl", "state.json"):
        (root / "copy" / file).write_bytes((root / "fine" / file).read_bytes())
    (root / "Wrong.Name").mkdir()

    found = rows(source)

    assert {name for name, row in found.items() if row.group == "unreadable"} == {
        "torn", "half", "copy", "Wrong.Name"
    }  # fmt: skip
    for name, row in found.items():
        again = source.row(name)
        assert again == row, name
        document = row.document(source.spell)
        assert json.loads(json.dumps(document)) == document
        assert (row.state == "unreadable") is (document.get("error") is not None)
    assert found["foreign"].facets == {"class": "running", "provider": "uprooted"}
    assert "state.json" in str(found["half"].error)
    assert source.row("never") is None
    assert source.row("..") is None


def test_rows_are_found_by_name_state_step_release_person_label_and_provider(
    source: EnvironmentSource, place: Place, created: object, crash: Callable[..., AnyEnvironment]
) -> None:
    place("provision_failed", spec=specified("web", team="red"))
    crash("provision", "provisioning", "unpack")
    index = Index(source)
    index.read()

    def found(q: str) -> list[str]:
        return [row.name for row in index.find(Query(q=q, sort="name")).rows]

    assert found("WEB") == found("provision_failed") == found("team=red") == found("no route") == ["web"]
    assert found("unpack") == found("interrupted") == ["demo"]
    assert found(f"scripted {Holder.current().user}") == ["demo", "web"]
    assert found("scripted blue") == []
    facets = index.find(Query()).facets
    assert facets["provider"] == {"scripted": 2}
    assert facets["label:team"] == {"red": 1}
    assert facets["class"] == {"failed": 1, "interrupted": 1}


@pytest.mark.parametrize(
    ("state", "group"),
    [
        ("running", "drifted"),
        ("configured", "drifted"),
        ("run_failed", "failed"),
        ("destroyed", "destroyed"),
    ],
)
def test_drift_that_was_seen_needs_a_person_unless_there_is_worse(
    source: EnvironmentSource, repository: FileRepository, place: Place, state: str, group: str
) -> None:
    environment = place(state)
    found = {"kind": "service_down", "what": "the service does not run", "then": "up"}
    write_last_look(repository.directory("demo"), environment, "2026-01-01T00:00:00Z", [found, found], [])

    row = rows(source)["demo"]

    assert (row.group, row.drift) == (group, "service down: the service does not run and 1 more")
    amended = environment.with_operation(None, at=environment.updated_at)
    with repository.open("demo", Holder.current()) as session:
        session.commit(OperationRecord(change="settled", environment=amended))
    later = source.row("demo")
    assert later is not None
    assert later.drift is None  # whatever changed it may have ended the drift


def test_a_step_that_takes_far_longer_than_usual_is_stuck(
    source: EnvironmentSource, repository: FileRepository, place: Place
) -> None:
    begun = datetime.now(UTC) - timedelta(minutes=9)
    operation = Operation(
        id="x", command=CommandName.CONFIGURE, started_at=begun, holder=Holder.current()
    )  # fmt: skip
    place("configuring", operation)
    hand = StepInHand(name="first_configure", number=1, of=2, started_at=begun)
    limited = ScriptedProvider(options={"first_configure": {"timeout": timedelta(minutes=5)}})

    with repository.open("demo", Holder.current()) as session, limited.installed():
        session.append_step(StepRecord(phase="intent", step=hand.name, intent=hand))
        stuck = source.row("demo")
        limited.options = {"first_configure": {"timeout": timedelta(minutes=20)}}
        patient = source.row("demo")

    assert stuck is not None
    assert (stuck.group, stuck.kind, stuck.since) == ("stuck", "under-way", begun.timestamp())
    assert stuck.stuck is not None
    assert stuck.stuck.startswith("configure seems stuck at first_configure: 9 min")
    assert told(stuck).condition == "configure seems stuck"
    assert told(stuck).remark.startswith("at first_configure: 9 min")
    assert trouble(stuck) == "configure seems stuck at first_configure"
    assert patient is not None
    assert patient.group == "under-way"


def test_a_command_of_a_provider_that_is_not_installed_is_shown(
    source: EnvironmentSource, repository: FileRepository
) -> None:
    class Uprooted(ScriptedSpec, frozen=True, extra="forbid"):
        kind: Literal["uprooted"] = "uprooted"  # type: ignore[assignment]

    elsewhere = FileRepository(repository.root, providers=[Uprooted])
    now, holder = datetime.now(UTC), Holder.current()
    operation = Operation(id="x", command=CommandName.DESTROY, started_at=now, holder=holder)
    elsewhere.create(Environment.new(EnvironmentSpec(name="demo", provider=Uprooted()), now))

    with elsewhere.open("demo", holder) as session:
        opened = session.environment.with_operation(operation, at=now)
        session.commit(OperationRecord(change="opened", environment=opened))
        held = source.row("demo")
    interrupted = source.row("demo")

    assert interrupted is not None
    assert held is not None
    assert (interrupted.group, held.group) == ("interrupted", "under-way")


async def test_changes_of_other_processes_are_told_by_name(
    source: EnvironmentSource, repository: EnvironmentRepository, place: Place
) -> None:
    place("running", spec=specified("web"))
    index = Index(source)
    async with asyncio.timeout(30), aclosing(source.changes()) as changes:
        assert await anext(changes) == {"web"}
        index.read()
        place("running", spec=specified("new"))
        while index.get("new") is None:
            index.refresh(await anext(changes))
        repository.delete(repository.load("web"))
        while index.get("web") is not None:
            index.refresh(await anext(changes))
    assert [row.name for row in index.rows] == ["new"]
