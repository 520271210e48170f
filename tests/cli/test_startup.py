"""The modules that each subcommand imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import HELLO

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAVY = ("statemachine", "pydantic", "filelock", "loguru", "rich", "ruamel.yaml", "asyncio")


def loaded(*words: str, cwd: Path, names: tuple[str, ...] = HEAVY) -> set[str]:
    """Run the command line in a fresh interpreter and return which modules it loaded."""
    code = (
        "import sys; from environments.cli.app import main; code = main(sys.argv[1:]);"
        "print(*sys.modules, file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split()) & set(names)


def test_listing_an_empty_directory_imports_only_click(tmp_path: Path) -> None:
    assert loaded("list", cwd=tmp_path) == set()
    (tmp_path / "data").mkdir()
    (tmp_path / ".envchart.toml").write_text('data_dir = "data"\n[list]\nsort = "name"\n')
    assert loaded("list", "--json", cwd=tmp_path) == set()


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_and_version_import_no_subcommand(tmp_path: Path, word: str) -> None:
    names = (
        *HEAVY,
        "importlib.metadata",
        "environments.cli.loading",
        "environments.cli.commands.declaring",
    )

    assert loaded(word, cwd=tmp_path, names=names) == set()


@pytest.mark.parametrize(
    "words",
    [
        ("list",),
        ("show", "hello"),
        ("history", "hello"),
        ("--json", "list"),
        ("--json", "show", "hello"),
        ("--json", "history", "hello"),
    ],
)
def test_reading_settled_environments_imports_nothing_heavy(
    hello: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    names = (*HEAVY, "psutil", "yaml", "importlib.metadata", "msgspec", "environments.storage.file")

    assert loaded(*words, cwd=tmp_path, names=names) == set()


def test_listing_a_database_loads_nothing_but_its_driver(
    cli: Any, tmp_path: Path, postgres_url: str
) -> None:
    names = (*HEAVY, "sqlalchemy", "alembic", "dbos", "psycopg", "environments.storage.sql.repository")
    for url, driver in (  # psycopg itself loads asyncio
        (f"sqlite:///{tmp_path}/store.db", set()),
        (postgres_url, {"psycopg", "asyncio"}),
    ):
        assert cli("--store", url, "create", "web", "--app", HELLO).code == 0

        for words in (("list",), ("list", "--json")):
            assert loaded("--store", url, *words, cwd=tmp_path, names=names) <= driver


@pytest.mark.parametrize(
    "words", [("history", "hello", "--at", "1"), ("logs", "hello"), ("-v", "show", "hello")]
)
def test_reading_imports_no_engine(hello: str, tmp_path: Path, words: tuple[str, ...]) -> None:
    assert "statemachine" not in loaded(*words, cwd=tmp_path)


def test_the_schema_and_the_template_import_no_engine(tmp_path: Path) -> None:
    names = (*HEAVY, "environments.providers.terraform.provider", "tree_sitter")
    # The parser of modules is loaded only to judge one.
    found = loaded("schema", cwd=tmp_path, names=names)
    assert "environments.providers.terraform.provider" in found
    assert not {"statemachine", "tree_sitter"} & found
    assert "statemachine" not in loaded("create", "--template", cwd=tmp_path)


@pytest.fixture
def running(cli: Any, hello: str) -> Iterator[str]:
    """An environment of the example app that runs."""
    assert cli("up", hello).code == 0
    yield hello
    assert cli("destroy", hello, "--yes").code == 0


def test_up_with_nothing_to_do_imports_no_model(running: str, cli: Any, tmp_path: Path) -> None:
    names = tuple(
        name for name in (*HEAVY, "yaml", "msgspec", "environments.workspace") if name != "asyncio"
    )
    for _ in range(20):  # a service on a busy machine may be slow to answer
        if not (found := loaded("up", running, cwd=tmp_path, names=names)):
            break
    assert not found

    told, in_full = cli("up", running, "--json"), cli("up", running, "--recreate", "--json")

    assert told.err == in_full.err == "hello is already running: nothing to do\n"
    assert told.out == in_full.out
