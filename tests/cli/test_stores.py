"""The command line on a database: how it is named, and each command on it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from environments.cli.settings import Settings
from tests.cli.conftest import HELLO
from tests.providers.terraform.conftest import make_key

SECRET = "postgresql://ann:sekrit@127.0.0.1:1/envs"
PUBLIC = "postgresql://ann@127.0.0.1:1/envs"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def on_store(cli: Any, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command line on a database."""
    monkeypatch.delenv("ENVCHART_DATA_DIR")
    monkeypatch.setenv("ENVCHART_STORE", url)
    monkeypatch.setenv("ENVCHART_SCRATCH", str(tmp_path / "scratch"))
    return cli


@pytest.mark.parametrize(
    ("typed", "variables", "file", "found"),
    [
        ("sqlite:///a", {"ENVCHART_STORE": "sqlite:///b"}, 'store = "sqlite:///c"', "sqlite:///a"),
        (None, {"ENVCHART_STORE": "sqlite:///b"}, 'store = "sqlite:///c"', "sqlite:///b"),
        (None, {}, 'store = "sqlite:////c"', "sqlite:////c"),
        (None, {}, 'store = "postgresql:///c"', "postgresql:///c"),
        (None, {"ENVCHART_DATA_DIR": "data"}, 'store = "sqlite:///c"', None),
        (None, {}, 'data_dir = "envs"', None),
        (None, {}, "", None),
    ],
)
def test_options_win_over_variables_and_variables_over_the_file(
    typed: str | None,
    variables: dict[str, str],
    file: str,
    found: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".envchart.toml").write_text(file)

    assert Settings(chosen_store=typed, environment=variables).store == found


def test_a_file_of_sqlite_is_relative_to_the_workspace_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".envchart.toml").write_text('store = "sqlite:///c?collection=x"')
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")

    assert Settings(environment={}).store == f"sqlite:///{tmp_path}/c?collection=x"


def test_a_typed_directory_wins_over_a_variable_that_names_a_database(
    cli: Any, data: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENVCHART_DATA_DIR")
    monkeypatch.setenv("ENVCHART_STORE", url)

    assert cli("list", "--data-dir", data).err.startswith(f"no environments in {data}")


@pytest.mark.parametrize(
    ("words", "variable", "said"),
    [
        (("--store", "data"), "", "--store': this is not the URL of a database"),
        (("--store", "sqlite:///a", "--data-dir", "b"), "", "--store and --data-dir exclude each other"),
        ((), "sqlite:///a", "ENVCHART_STORE and ENVCHART_DATA_DIR are both set"),
        (("--store", "mysql://ann:sekrit@db/x"), "", "mysql is not supported"),
        (("--store", SECRET), "", f"{PUBLIC} can't be reached"),
    ],
)
def test_wrong_places_are_refused_without_a_password(
    cli: Any, words: tuple[str, ...], variable: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCHART_STORE", variable)

    ran = cli("list", *words)

    assert said in ran.err
    assert ran.code != 0
    assert "sekrit" not in ran.out + ran.err


def test_a_password_is_not_written_to_a_workspace_file(cli: Any, tmp_path: Path) -> None:
    ran = cli("init", "--store", SECRET, "--json")

    text = (tmp_path / ".envchart.toml").read_text()
    assert f'store = "{PUBLIC}"' in text
    assert ran.document["store"] == PUBLIC
    assert "password" in ran.err
    assert "sekrit" not in text


def test_an_environment_lives_in_a_database(on_store: Any, url: str) -> None:
    assert f"no environments in {url}" in on_store("list").err
    assert on_store("create", "web", "--app", HELLO).code == 0
    assert on_store("provision", "web").code == 0
    assert on_store("configure", "web").code == 0
    (listed,) = on_store("list", "--json").document["environments"]
    assert (listed["name"], listed["state"]) == ("web", "configured")
    assert on_store("show", "web", "--json").document["state"] == "configured"
    assert "provisioning → provisioned" in on_store("history", "web").out
    assert on_store("history", "web", "--at", "1", "--json").document["state"] == "created"
    assert "configure took it" in on_store("why", "web").out
    assert on_store("drift", "--all").code == 0
    assert "drift" in on_store("show", "web").out
    assert "all sound" in on_store("verify", "--all").out
    assert "complete" in on_store("events").out
    assert "kind: local" in on_store("export", "web").out
    assert on_store("wait", "web", "--for", "configured").code == 0
    assert on_store("destroy", "web", "--yes").code == 0
    assert on_store("purge", "web", "--yes").code == 0
    assert f"there is no 'web' in {url}" in on_store("show", "web").err


@pytest.mark.parametrize(
    ("more", "told"), [("", True), ("  state_key: {env: STATE_KEY}\n", False), ("in files", False)]
)
def test_create_tells_of_a_state_that_readers_of_the_database_will_see(
    cli: Any, url: str, tmp_path: Path, more: str, told: bool
) -> None:
    module = tmp_path / "module"
    module.mkdir()
    (module / "main.tf").write_text('output "instance_ip" { value = "127.0.0.1" }\n')
    make_key(tmp_path / "key")
    provider = f"  kind: terraform\n  directory: module\n  app: {HELLO}\n  ssh: {{key: key}}\n"
    keyed = "" if more == "in files" else more
    (tmp_path / "web.yaml").write_text(f"name: web\nprovider:\n{provider}{keyed}")
    words = ("--data-dir", tmp_path / "envs") if more == "in files" else ("--store", url)

    ran = cli("create", "--file", tmp_path / "web.yaml", *words)

    assert ran.code == 0, ran.err
    assert ("the database will hold Terraform's state as it is" in ran.err) == told


def test_an_interrupted_command_is_recovered_at_once(on_store: Any) -> None:
    on_store("create", "web", "--app", HELLO)
    code = (
        "import os, signal, environments.execution.runner as runner\n"
        "runner.Runner._attempts = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from environments.cli.app import main; main(['provision', 'web'])"
    )
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, env=os.environ)
    assert killed.returncode == -9

    assert "interrupted at step" in on_store("show", "web").out
    assert on_store("recover", "web").code == 0
    assert on_store("retry", "web").code == 0


def test_a_damaged_history_is_begun_anew(on_store: Any, url: str) -> None:
    on_store("create", "web", "--app", HELLO)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        database.execute("DROP TRIGGER envchart_protect_change")
        database.execute("UPDATE envchart_record SET line = x'7b7d'")
    database.close()
    damaged = on_store("show", "web")

    assert "is damaged" in damaged.err
    ran = on_store("recover", "web", "--rebase", "--yes", "--json")
    assert ran.code == 0, ran.err
    assert len(ran.document["rebased"]["kept"]) == 1
    assert f"{url}#web" in ran.err
    assert on_store("show", "web").code == 0


def test_the_shell_completes_names_of_a_database(
    on_store: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_store("create", "web", "--app", HELLO)
    monkeypatch.setenv("_ENVCHART_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "envchart provision w")
    monkeypatch.setenv("COMP_CWORD", "2")

    assert "web" in on_store().out
    monkeypatch.setenv("ENVCHART_STORE", SECRET)
    assert on_store() == type(on_store())(0, "", "")
