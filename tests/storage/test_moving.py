"""Environments that move between data directories and databases, with all that belongs to them."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from environments import EnvironmentSpec, Workspace
from environments.artifacts.carried import placed
from environments.artifacts.errors import FilesLost
from environments.errors import CannotMove, OperationInterrupted, StepFailed
from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.operation import Operation, OperationStatus
from environments.model.records import AmendedRecord, OperationRecord
from environments.model.states import Configured
from environments.ports import CarriesState
from environments.providers.common.known_hosts import pin
from environments.providers.terraform import TerraformProvider
from environments.storage.file import FileRepository
from environments.storage.sql.repository import SqlRepository
from environments.storage.stored import StoredRepository
from environments.system.clock import SYSTEM_CLOCK
from environments.testing import ScriptedSpec
from statechart.errors import AlreadyExists, Locked, MovedAway
from statechart.holder import Holder

STATE = {"version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "a-lineage", "outputs": {}}
STATE |= {"resources": []}
MODULE = 'output "instance_ip" {\n  value = "127.0.0.1"\n}\n'


@pytest.fixture
def files(tmp_path: Path) -> FileRepository:
    return FileRepository(tmp_path / "data", providers=[ScriptedSpec])


@pytest.fixture(params=["sqlite", "postgresql"])
def rows(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SqlRepository]:
    monkeypatch.setenv("ENVCHART_SCRATCH", str(tmp_path / "scratch"))
    is_file = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/store.db" if is_file else request.getfixturevalue("postgres_url")
    repository = SqlRepository(url, providers=[ScriptedSpec])
    yield repository
    repository._rows.database.close()


@pytest.fixture
def spec(tmp_path: Path) -> EnvironmentSpec:
    for name, file, text in (("terraform", "main.tf", MODULE), ("app", "app.py", "print(1)\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text)
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(tmp_path / "id")
    (tmp_path / "id").chmod(0o600)
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    provider = TerraformProvider.model_validate(
        {
            "directory": tmp_path / "terraform",
            "binary": str(program),
            "app": tmp_path / "app",
            "ssh": {"key": tmp_path / "id"},
        }
    )
    return EnvironmentSpec(name="web", provider=provider)


def provisioned(
    repository: StoredRepository, spec: EnvironmentSpec, reached: dict[str, Any] | None = None
) -> None:
    """Record an environment that has resources, a trace and a last look, as a provider would."""
    Workspace(repository=repository).create(spec)
    with repository.open("web", Holder.current("test")) as session:
        now = SYSTEM_CLOCK.now()
        details = {"planned": True, "lineage": "a-lineage"}
        outputs = session.environment.outputs.updated({"details": details})
        outputs = outputs.updated(reached or {})
        there = session.environment.entering(Configured(), at=now, outputs=outputs)
        session.commit(OperationRecord(change="settled", environment=there))
        session.write_trace("one.log", "Traceback: ä\n")


def with_state(repository: FileRepository) -> Path:
    state = repository.directory("web") / "build" / "terraform" / "terraform.tfstate"
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps(STATE))
    return state


def test_all_that_belongs_to_an_environment_comes_along_there_and_back(
    files: FileRepository, rows: SqlRepository, spec: EnvironmentSpec, tmp_path: Path
) -> None:
    provisioned(files, spec)
    state = with_state(files)
    look = files.directory("web") / "drift.json"
    look.write_text('{"name": "web"}')
    before = (files.directory("web") / "history.jsonl").read_bytes()
    back = FileRepository(tmp_path / "back", providers=[ScriptedSpec])

    Workspace(repository=files).move("web", rows)

    moved = rows.load("web")
    assert set(moved.artifacts) == {"directory", "app"}
    assert rows.read_trace("web", "traces/one.log") == "Traceback: ä\n"
    assert isinstance(rows, CarriesState)
    assert rows.carried_state("web") is not None
    assert not files.exists("web")

    shutil.rmtree(tmp_path / "app")
    Workspace(repository=rows).move("web", back)

    there = back.directory("web")
    history = (there / "history.jsonl").read_bytes()
    assert history.startswith(before), "the same bytes, and the copies that were recorded there"
    assert (there / "traces" / "one.log").read_text() == "Traceback: ä\n"
    assert (there / "drift.json").read_text() == '{"name": "web"}'
    restored = there / state.relative_to(files.directory("web"))
    assert json.loads(restored.read_text()) == STATE
    provider = placed(back, back.load("web"))
    assert isinstance(provider, TerraformProvider)
    assert provider.directory == tmp_path / "terraform", "as declared, where it is"
    assert (provider.app / "app.py").read_text() == "print(1)\n", "the copy, where it is not"


def test_an_environment_that_is_bound_to_its_machine_stays(
    files: FileRepository, rows: SqlRepository, tmp_path: Path
) -> None:
    from environments.providers.local import LocalProvider

    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").write_text("")
    local = EnvironmentSpec(name="web", provider=LocalProvider(app=tmp_path / "app"))
    provisioned(files, local)

    with pytest.raises(CannotMove, match=r"bound to this machine .* destroy it, move it"):
        Workspace(repository=files).move("web", rows)

    assert files.exists("web")
    assert rows.names() == []


def test_files_of_a_provider_that_can_t_come_along_are_named(
    files: FileRepository, rows: SqlRepository
) -> None:
    provisioned(files, EnvironmentSpec(name="web", provider=ScriptedSpec()))
    (files.directory("web") / "disk.img").touch()

    with pytest.raises(CannotMove, match=r"keeps files in .*web \(disk\.img\)"):
        Workspace(repository=files).move("web", rows)

    (files.directory("web") / "disk.img").unlink()
    assert Workspace(repository=files).move("web", rows).outcome == "moved"


def test_an_environment_that_is_held_or_interrupted_or_taken_stays(
    files: FileRepository, rows: SqlRepository
) -> None:
    workspace = Workspace(repository=files)
    scripted = EnvironmentSpec(name="web", provider=ScriptedSpec())
    workspace.create(scripted)

    with files.open("web", Holder.current("test")) as session:
        with pytest.raises(Locked):
            workspace.move("web", rows)
        operation = Operation(
            id="one",
            command=CommandName.PROVISION,
            status=OperationStatus.ACTIVE,
            started_at=SYSTEM_CLOCK.now(),
            holder=Holder.current("test"),
        )
        under_way = session.environment.with_operation(operation, at=SYSTEM_CLOCK.now())
        session.commit(OperationRecord(change="opened", environment=under_way))
    with pytest.raises(OperationInterrupted):
        workspace.move("web", rows)

    with files.open("web", Holder.current("test")) as session:
        over = session.environment.with_operation(None, at=SYSTEM_CLOCK.now())
        session.commit(OperationRecord(change="closed", environment=over))
    rows.create(Environment.new(scripted, SYSTEM_CLOCK.now()))
    with pytest.raises(AlreadyExists):
        workspace.move("web", rows)
    assert files.exists("web")


def test_a_plan_tells_what_would_come_along_and_changes_nothing(
    files: FileRepository, rows: SqlRepository, spec: EnvironmentSpec
) -> None:
    provisioned(files, spec)
    with_state(files)

    plan = Workspace(repository=files).moving(rows).plan("web")

    assert (plan.state, plan.traces, plan.carries) == ("configured", 1, True)
    assert plan.files == ("module", "application")
    assert rows.names() == []
    assert files.exists("web")


def test_where_an_environment_was_moved_is_told_by_every_command(
    files: FileRepository, rows: SqlRepository, tmp_path: Path
) -> None:
    workspace = Workspace(repository=files)
    workspace.create(EnvironmentSpec(name="web", provider=ScriptedSpec()))
    workspace.move("web", rows)

    for look in (workspace.load, workspace.history, lambda name: workspace.move(name, rows)):
        with pytest.raises(MovedAway, match="it was moved to"):
            look("web")
    workspace.create(EnvironmentSpec(name="web", provider=ScriptedSpec()))
    assert workspace.load("web").revision == 1
    there = Workspace(repository=rows)
    there.move("web", FileRepository(tmp_path / "data2", providers=[ScriptedSpec]))
    for look in (there.load, there.history, rows.summary, rows.directory):
        with pytest.raises(MovedAway, match=r"it was moved to .*data"):
            look("web")


def test_a_host_whose_key_is_only_in_a_file_keeps_its_environment_here(
    rows: SqlRepository, files: FileRepository, spec: EnvironmentSpec
) -> None:
    """Records of earlier versions do not have the key."""
    provisioned(files, spec, {"instance_ip": "127.0.0.1", "details": {"host_reached": True}})
    with_state(files)
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().split("\n")[0]
    pin(files.directory("web") / "build" / "ssh" / "known_hosts", "127.0.0.1", 22, key)
    moving = Workspace(repository=files).moving(rows)

    with pytest.raises(
        StepFailed, match=r"envchart update web --set 'provider\.ssh\.host_key=ssh-ed25519 "
    ) as told:
        moving.plan("web")

    with files.open("web", Holder.current("test")) as session:
        provider = session.environment.spec.provider
        assert isinstance(provider, TerraformProvider)
        ssh = {
            **provider.ssh.model_dump(),
            "host_key": told.value.summary.split("host_key=")[1].rstrip("'"),
        }
        declared = TerraformProvider.model_validate({**provider.model_dump(), "ssh": ssh})
        amended = session.environment.with_spec(
            spec.model_copy(update={"provider": declared}), at=SYSTEM_CLOCK.now()
        )
        session.commit(AmendedRecord(fields=("provider.ssh.host_key",), environment=amended))
    assert moving.carry_out("web").outcome == "moved"


def test_a_move_that_is_finished_later_records_the_copies(
    rows: SqlRepository, files: FileRepository, spec: EnvironmentSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    Workspace(repository=files).create(spec)
    moving = Workspace(repository=files).moving(rows)
    with monkeypatch.context() as patched:
        patched.setattr(moving._there, "arrive", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            moving.carry_out("web")
    assert not rows.exists("web")

    assert moving.carry_out("web").outcome == "finished"

    assert set(rows.load("web").artifacts) == {"directory", "app"}


@pytest.mark.parametrize("loss", ["missing", "altered"])
def test_an_environment_whose_copies_were_lost_stays(
    rows: SqlRepository, files: FileRepository, spec: EnvironmentSpec, loss: str
) -> None:
    Workspace(repository=rows).create(spec)
    digest = rows.load("web").artifacts["app"].digest
    rows.drop(digest)
    if loss == "altered":
        rows.put(digest, io.BytesIO(b"another content"))
    moving = Workspace(repository=rows).moving(files)

    for check in (moving.plan, moving.carry_out):
        with pytest.raises(FilesLost, match="there, run envchart update web"):
            check("web")

    assert not files.exists("web")
    assert rows.holder("web") is None


def test_between_two_databases_copies_and_states_come_along(
    rows: SqlRepository, files: FileRepository, spec: EnvironmentSpec, tmp_path: Path
) -> None:
    provisioned(files, spec)
    with_state(files)
    Workspace(repository=files).move("web", rows)
    other = SqlRepository(f"sqlite:///{tmp_path}/other.db", providers=[ScriptedSpec])
    before = rows.load("web"), rows.carried_state("web")

    Workspace(repository=rows).move("web", other)

    assert before[1] is not None
    carried = other.carried_state("web")
    assert carried is not None
    assert (other.load("web"), carried.content) == (before[0], before[1].content)
    for field, artifact in before[0].artifacts.items():
        with (tmp_path / f"{field}.tar").open("wb") as file:
            other.get(artifact.digest, file)
    other._rows.database.close()
