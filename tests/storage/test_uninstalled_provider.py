"""Records of a provider that is not installed."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Literal

import pytest

from environments.cli.app import main
from environments.errors import InvalidConfiguration, UnknownProvider
from environments.model import provider_kinds
from environments.model.provider_kinds import ProviderSpec
from environments.model.spec import EnvironmentSpec
from environments.storage.file import FileRepository
from environments.storage.memory import MemoryRepository
from environments.testing import ScriptedSpec
from environments.workspace import Workspace


class Sqlite(ScriptedSpec, frozen=True):
    """A provider that a program defines for itself."""

    kind: Literal["sqlite"] = "sqlite"  # type: ignore[assignment]
    path: Path = Path("accounts.db")


class OtherSqlite(ScriptedSpec, frozen=True):
    """A provider of another program, with the same kind."""

    kind: Literal["sqlite"] = "sqlite"  # type: ignore[assignment]


SPEC = EnvironmentSpec(name="accounts", provider=Sqlite())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with an environment of an unknown provider, and another environment."""
    workspace = Workspace(tmp_path / "data", providers=[Sqlite])
    asyncio.run(workspace.provision(workspace.create(SPEC)))
    workspace.create(EnvironmentSpec(name="other", provider=ScriptedSpec()))
    return tmp_path / "data"


def ran(data: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main([*words, "--data-dir", str(data)])
    return code, *capsys.readouterr()


def test_every_command_names_the_missing_provider_and_changes_nothing(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = data / "accounts" / "history.jsonl"
    before = journal.read_bytes()

    for command in (
        *("show", "why", "logs", "destroy --yes", "purge --yes", "up", "configure", "retry", "recover"),
        *("recover --rebase --yes", "drift", "diagram --of"),
    ):
        name, *options = command.split()
        code, out, err = ran(data, capsys, name, *options, "accounts")
        assert (code, out) == (2, ""), command
        assert "the record of 'accounts' is sound, but there is no provider of kind 'sqlite'" in err
        assert re.search("installed are .*local, .*scripted, .*terraform", err)
        assert "register_provider" in err
        assert "next: install the package that provides 'sqlite'" in err
        assert not {"--rebase", "backup", "damaged"} & set(err.split())
    code, out, _ = ran(data, capsys, "--json", "show", "accounts")
    assert (code, '"code": "unknown_provider"' in out) == (2, True)
    assert journal.read_bytes() == before


def test_records_are_listed_told_and_verified_without_the_provider(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = ran(data, capsys, "list")
    assert (code, "accounts" in out, "other" in out) == (0, True, True)

    code, out, _ = ran(data, capsys, "history", "accounts")
    assert (code, "complete: provisioning → provisioned" in out) == (0, True)

    code, out, err = ran(data, capsys, "verify", "--all")
    assert code == 2
    assert "accounts: 7 records, 2 transitions, all sound and allowed by today's chart" in out
    assert "other: 1 record, 0 transitions, all sound" in out
    assert "there is no provider of kind 'sqlite'" in err


@pytest.mark.parametrize("kind", ["file", "memory"])
def test_a_workspace_creates_only_specs_that_it_can_load_again(tmp_path: Path, kind: str) -> None:
    repository = FileRepository(tmp_path / "data") if kind == "file" else MemoryRepository(tmp_path)
    workspace = Workspace(repository=repository)

    with pytest.raises(UnknownProvider, match=r"register_provider or Workspace\(providers=") as refused:
        workspace.create(SPEC)

    assert (refused.value.kind, refused.value.name) == ("sqlite", None)
    assert {"local", "terraform"} <= set(refused.value.known)
    assert workspace.names() == []
    created = workspace.create(EnvironmentSpec(name="accounts", provider=ScriptedSpec()))
    with pytest.raises(UnknownProvider):
        asyncio.run(workspace.update(created, SPEC))
    assert workspace.load("accounts") == created


def test_two_workspaces_in_one_process_have_providers_of_their_own(tmp_path: Path) -> None:
    one = Workspace(tmp_path / "one", providers=[Sqlite])
    other = Workspace(tmp_path / "other", providers=[OtherSqlite])

    one.create(SPEC)
    other.create(EnvironmentSpec(name="accounts", provider=OtherSqlite()))

    assert isinstance(one.load("accounts").spec.provider, Sqlite)
    assert isinstance(other.load("accounts").spec.provider, OtherSqlite)
    with pytest.raises(InvalidConfiguration, match="'sqlite' is the kind of"):
        other.create(EnvironmentSpec(name="second", provider=Sqlite()))
    with pytest.raises(UnknownProvider, match="the record of 'accounts' is sound"):
        Workspace(tmp_path / "one").load("accounts")


def test_a_repository_in_memory_has_providers_of_its_own(tmp_path: Path) -> None:
    workspace = Workspace(repository=MemoryRepository(tmp_path, providers=[Sqlite]))

    assert asyncio.run(workspace.provision(workspace.create(SPEC))).spec == SPEC
    with pytest.raises(TypeError, match="give the providers to the repository"):
        Workspace(repository=MemoryRepository(tmp_path), providers=[Sqlite])


def test_a_provider_without_a_kind_is_refused() -> None:
    class Kindless(ProviderSpec, frozen=True):
        pass

    with pytest.raises(TypeError, match="Kindless needs a kind"):
        Workspace(providers=[Kindless])


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (
            "broken_provider:Spec",
            "importing {} raised ModuleNotFoundError: No module named 'nothing_like_it'",
        ),
        ("json:loads", "{} is no subclass of ProviderSpec"),
    ],
)
def test_a_provider_that_can_not_be_imported_is_like_one_that_is_not_installed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, reason: str
) -> None:
    (tmp_path / "broken_provider.py").write_text("import nothing_like_it\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(provider_kinds._registered, "sqlite", place)

    with pytest.raises(UnknownProvider, match="can't be used") as raised:
        Workspace(data).load("accounts")

    assert (raised.value.kind, raised.value.name) == ("sqlite", "accounts")
    assert raised.value.reason == reason.format(place)
    assert raised.value.__cause__ is not None


def test_commands_tell_why_a_provider_can_not_be_imported(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(provider_kinds._registered, "sqlite", "nothing_like_it:Spec")
    (data / "accounts" / "state.json").unlink()

    for command, expected in (("show accounts", 2), ("destroy accounts --yes", 2), ("verify --all", 2)):
        code, _, err = ran(data, capsys, *command.split())
        assert code == expected
        assert "No module named 'nothing_like_it'" in err
        assert "repair or update the package that provides 'sqlite'" in err
    code, out, err = ran(data, capsys, "list")
    assert (code, "other" in out, "unexpected" in err) == (7, True, False)
    code, out, err = ran(data, capsys, "schema")
    assert (code, "LocalProvider" in out, "the schema leaves it out" in err) == (0, True, True)


class NewerSqlite(ProviderSpec, frozen=True, extra="forbid"):
    """A later version of a provider, which has renamed a field."""

    kind: Literal["sqlite"] = "sqlite"
    file: Path = Path("accounts.db")


def test_a_spec_of_another_version_of_a_provider_is_no_damage(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(provider_kinds._registered, "sqlite", f"{__name__}:NewerSqlite")

    for command in ("show", "why", "destroy --yes", "recover --rebase --yes"):
        code, _, err = ran(data, capsys, *command.split(), "accounts")
        assert (code, "refuses what another version of it recorded" in err) == (2, True), command
        assert not {"--rebase", "backup", "damaged"} & set(err.split())
    assert ran(data, capsys, "history", "accounts")[0] == 0
    code, out, _ = ran(data, capsys, "verify", "accounts")
    assert (code, "all sound" in out) == (2, True)
    with pytest.raises(UnknownProvider, match="NewerSqlite refuses"):
        Workspace(data, providers=[NewerSqlite]).load("accounts")
    assert Workspace(data, providers=[Sqlite]).load("accounts").spec == SPEC
