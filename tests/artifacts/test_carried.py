"""The files of a spec that travel: copied where they are, used everywhere."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import pytest
import sqlalchemy as sa

from environments import EnvironmentSpec, InvalidConfiguration, Workspace
from environments.artifacts.carried import needed, outdated, placed, require_machine
from environments.artifacts.errors import CannotPack, FilesLost, MachineLacks
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.records import AmendedRecord
from environments.providers.terraform import TerraformProvider
from environments.storage.sql.repository import SqlRepository
from environments.storage.sql.tables import ARTIFACT_CHUNKS

MODULE = 'variable "name" {}\noutput "instance_ip" {\n  value = "127.0.0.1"\n}\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with the directories of a spec."""
    root = tmp_path / "project"
    for name in ("terraform/.terraform", "app/.git", "site/roles/web/tasks", "keys"):
        (root / name).mkdir(parents=True)
    (root / "terraform" / "main.tf").write_text(MODULE)
    (root / "terraform" / "terraform.tfstate").write_text("{}")
    (root / "app" / "app.py").write_text("print(1)\n")
    (root / "app" / "token").write_text("s3cret\n")
    (root / "site" / "site.yml").write_text("- hosts: all\n  roles: [web]\n")
    (root / "site" / "roles" / "web" / "tasks" / "main.yml").write_text("[]\n")
    (root / "site" / ".env").write_text("SECRET=1\n")
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(root / "keys" / "id")
    (root / "keys" / "id").chmod(0o600)
    terraform = root / "terraform-program"
    terraform.write_text("#!/bin/sh\n")
    terraform.chmod(0o755)
    monkeypatch.setenv("ENVCHART_SCRATCH", str(tmp_path / "scratch"))
    return root


def spec(project: Path) -> EnvironmentSpec:
    provider = TerraformProvider.model_validate(
        {
            "directory": project / "terraform",
            "binary": str(project / "terraform-program"),
            "playbook": project / "site" / "site.yml",
            "app": project / "app",
            "ssh": {"key": project / "keys" / "id"},
            "service": {"env": {"TOKEN": {"file": str(project / "app" / "token")}}},
        }
    )
    return EnvironmentSpec(name="web", provider=provider)


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[SqlRepository]:
    repository = SqlRepository(f"sqlite:///{tmp_path}/store.db")
    yield repository
    repository._rows.database.close()


@pytest.fixture
def workspace(repository: SqlRepository) -> Workspace:
    return Workspace(repository=repository)


def elsewhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on as a machine that has the programs and keys, and none of the directories."""
    for name in ("terraform", "app", "site"):
        shutil.rmtree(project / name)
    monkeypatch.setenv("ENVCHART_SCRATCH", str(project / "other"))
    monkeypatch.setattr(socket, "gethostname", lambda: "other")


def provider_of(workspace: Workspace, environment: AnyEnvironment) -> TerraformProvider:
    provider = placed(workspace._repository, environment)
    assert isinstance(provider, TerraformProvider)
    return provider


def names(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


def test_another_machine_has_the_files_without_state_tools_and_secrets(
    project: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = workspace.create(spec(project))
    elsewhere(project, monkeypatch)

    provider = provider_of(workspace, workspace.load("web"))

    assert set(created.artifacts) == {"directory", "playbook", "app"}
    assert names(provider.directory) == ["main.tf"]
    assert names(provider.app) == ["app.py"]
    assert provider.playbook is not None
    assert names(provider.playbook.parent) == ["roles/web/tasks/main.yml", "site.yml"]
    assert provider.ssh.key == project / "keys" / "id", "each machine has its own"


def test_the_inputs_of_steps_are_the_same_on_every_machine(
    project: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = workspace.create(spec(project))

    def inputs() -> list[dict[str, str]]:
        provider = provider_of(workspace, created)
        return [step.input_digests for command in CommandName for step in provider.steps(command, created)]

    here = inputs()
    elsewhere(project, monkeypatch)
    assert inputs() == here


def test_a_data_directory_names_no_copies(project: Path, tmp_path: Path) -> None:
    created = Workspace(tmp_path / "data").create(spec(project))

    assert created.artifacts == {}
    assert "artifacts" not in (tmp_path / "data" / "web" / "history.jsonl").read_text()
    assert not (tmp_path / "data" / ".artifacts").exists()


async def test_an_update_copies_anew_and_names_what_changed(
    project: Path, workspace: Workspace, repository: SqlRepository
) -> None:
    before = workspace.create(spec(project))
    (project / "terraform" / "more.tf").write_text("")
    assert [tree.field for tree in outdated(workspace.load("web"))] == ["directory"]

    labelled = await workspace.amend(
        "web", lambda recorded: recorded.model_copy(update={"labels": {"team": "web"}})
    )
    updated = await workspace.update("web", before.spec)

    assert labelled.artifacts == before.artifacts, "a label is no reason to copy files"
    assert updated.artifacts["directory"].digest != before.artifacts["directory"].digest
    assert updated.artifacts["app"] == before.artifacts["app"]
    record = repository.history("web")[-1].record
    assert isinstance(record, AmendedRecord)
    assert record.fields == ("labels", "artifacts.directory")
    assert outdated(updated) == []


async def test_an_update_from_elsewhere_keeps_the_copies(
    project: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = workspace.create(spec(project))
    elsewhere(project, monkeypatch)

    updated = await workspace.amend(
        "web", lambda recorded: recorded.model_copy(update={"description": "seen from elsewhere"})
    )
    assert updated.artifacts == before.artifacts

    moved = before.spec.provider.model_copy(update={"app": project / "another"})
    with pytest.raises(InvalidConfiguration, match="another is not a directory"):
        await workspace.update("web", before.spec.model_copy(update={"provider": moved}))


def test_copies_that_are_lost_are_told_with_the_way_on(
    project: Path, workspace: Workspace, repository: SqlRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = workspace.create(spec(project))
    elsewhere(project, monkeypatch)
    repository.drop(created.artifacts["app"].digest)

    with pytest.raises(FilesLost, match=r"copy of the application .* there, run envchart update web"):
        provider_of(workspace, created)

    placed(repository, created, fetched=needed(created.spec.provider, CommandName.PROVISION))


def test_an_altered_copy_is_refused(
    project: Path, workspace: Workspace, repository: SqlRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = workspace.create(spec(project))
    elsewhere(project, monkeypatch)
    with repository._rows.database.writing() as connection:
        connection.execute(sa.update(ARTIFACT_CHUNKS).values(bytes=b"x\x9c\x03\0\0\0\0\x01"))

    with pytest.raises(FilesLost, match="was altered"):
        provider_of(workspace, created)


def test_unpacked_files_that_were_altered_are_fetched_again(
    project: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = workspace.create(spec(project))
    place = provider_of(workspace, created).app
    (place / "app.py").write_text("print('altered')\n")
    monkeypatch.setattr("environments.artifacts.scratch._verified", set())

    assert provider_of(workspace, created).app == place
    assert (place / "app.py").read_text() == "print(1)\n"


def test_what_a_machine_lacks_is_told_before_a_command_begins(
    project: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = workspace.create(spec(project))
    elsewhere(project, monkeypatch)
    (project / "keys" / "id").unlink()
    (project / "terraform-program").unlink()

    with pytest.raises(MachineLacks) as lacks:
        require_machine(created, CommandName.PROVISION)

    assert "other can't provision it, and nothing was begun" in str(lacks.value)
    assert "ssh.key: " in str(lacks.value)
    assert "terraform-program is not on the path" in str(lacks.value)
    with pytest.raises(MachineLacks, match=r"service\.env\.TOKEN: the file .*token is not there"):
        require_machine(created, CommandName.RUN)


async def test_a_command_that_the_machine_can_t_do_leaves_no_trace(
    project: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = workspace.create(spec(project))
    elsewhere(project, monkeypatch)
    (project / "keys" / "id").unlink()

    with pytest.raises(MachineLacks):
        await workspace.provision("web")

    assert workspace.load("web") == created


def test_a_file_that_can_t_travel_is_told_at_once(project: Path, workspace: Workspace) -> None:
    with (project / "site" / "disk.img").open("wb") as file:
        file.truncate(10**10)

    with pytest.raises(CannotPack, match=r"the largest files are disk\.img \(9536 MiB\)"):
        workspace.create(spec(project))

    assert workspace.names() == []


def test_the_time_of_a_copy_is_that_of_the_first_with_its_content(
    project: Path, workspace: Workspace
) -> None:
    created = workspace.create(spec(project))

    assert created.artifacts["app"].machine == socket.gethostname()
    assert created.artifacts["app"].packed_at <= datetime.now(UTC)
