"""`store`: the tables of a database, looked at and made."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from environments.cli.app import main as envchart
from tests.cli.conftest import Cli, Ran
from tests.statechart.cli.conftest import ORDERS
from tests.statechart.storage.sql.conftest import run


@pytest.fixture(params=["python -m statechart", "envchart"])
def program(request: pytest.FixtureRequest, cli: Cli, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Each program that has this command."""
    if request.param != "envchart":
        return cli

    def runs(*words: str | Path) -> Ran:
        capsys.readouterr()
        code = envchart([str(word) for word in words])
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return runs


def test_the_tables_are_missing_then_made_then_there(program: Cli, any_blank_url: str) -> None:
    missing = program("store", "check", "--store", any_blank_url)
    made = program("store", "migrate", "--store", any_blank_url)
    again = program("store", "migrate", "--store", any_blank_url, "--json")
    there = program("store", "check", "--store", any_blank_url)

    assert (missing.code, made.code, again.code, there.code) == (8, 0, 0, 0)
    assert "no tables (missing); this program needs 0002_since_0001" in missing.out
    assert missing.err.endswith(f" store migrate --store {any_blank_url}\n")
    assert "envchart_schema: 0002_since_0001, made" in made.out
    assert json.loads(again.out)["changed"] is False
    assert "envchart_schema: 0002_since_0001 (current)" in there.out
    assert there.err == ""


def test_check_tells_the_server_the_role_and_its_right(program: Cli, blank_postgres_url: str) -> None:
    run(blank_postgres_url, "CREATE ROLE looks LOGIN")
    theirs = blank_postgres_url.replace("postgres@", "looks@")
    try:
        granted = program("store", "migrate", "--store", blank_postgres_url, "--grant", "looks:read")
        owner = program("store", "check", "--store", blank_postgres_url)
        checked = program("store", "check", "--store", theirs)
        told = json.loads(program("store", "check", "--store", theirs, "--json").out)
    finally:
        run(blank_postgres_url, "DROP OWNED BY looks", "DROP ROLE looks")

    assert "looks may read\n" in granted.out
    assert "postgres owns the tables" in owner.out
    assert (checked.code, owner.code) == (8, 0)
    assert "role: looks may read\n" in checked.out
    owners = theirs.replace("looks@", "OWNER@")
    assert checked.err.startswith("next: its owner grants it: ")
    assert checked.err.endswith(f" store migrate --store {owners} --grant looks\n")
    assert (told["right"], told["owner"], told["usable"], told["pooled"]) == ("read", False, False, False)


def test_check_says_of_newer_tables_what_is_no_command_as_it_is(
    program: Cli, blank_postgres_url: str
) -> None:
    program("store", "migrate", "--store", blank_postgres_url)
    run(blank_postgres_url, "UPDATE envchart_schema SET version_num = '0009_since_0009'")

    checked = program("store", "check", "--store", blank_postgres_url)

    assert checked.code == 8
    assert checked.err == "next: update the program: pip install --upgrade 'envchart[sql]'\n"


def test_the_sql_is_printed_without_a_database(program: Cli) -> None:
    ran = program("store", "migrate", "--sql", "--grant", "ann")

    assert ran.code == 0
    assert "CREATE TABLE envchart_record" in ran.out
    assert 'GRANT INSERT ON envchart_record TO "ann";' in ran.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["chek", "--store", "sqlite:///a.db"], "unknown action 'chek'"),
        (["check", "--grant", "ann", "--store", "sqlite:///a.db"], "check changes nothing"),
        (["migrate", "--grant", "ann", "--store", "sqlite:///a.db"], "SQLite has no roles"),
        (
            ["migrate", "--grant", "ann:al", "--store", "postgresql://h/d"],
            "with the right read, append, purge",
        ),
        (["migrate", "--grant", ":read", "--store", "postgresql://h/d"], "of the form ROLE:RIGHT"),
        (["check", "--store", "mysql://ann:pw@h/d"], "mysql is not supported"),
        (["check", "--store", "postgresql:/ann:pw@h/d"], "postgresql://USER@HOST/DATABASE"),
    ],
)
def test_words_that_make_no_sense_are_refused(program: Cli, words: list[str], told: str) -> None:
    ran = program("store", *words)

    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err
    assert "next: " in ran.err
    assert "pw" not in ran.err
    assert not Path("a.db").exists()


def test_a_store_in_files_has_no_tables(cli: Cli) -> None:
    assert "a store in files has no tables to migrate" in cli("store", "check").err
    assert cli("store", "check").code == 2


def test_an_unreachable_server_is_told_in_words_and_in_json(program: Cli) -> None:
    url = "postgresql://ann:pw@127.0.0.1:1/db"
    ran, told = (
        program("store", "check", "--store", url),
        program("store", "check", "--json", "--store", url),
    )

    assert ran.code == told.code == 7
    assert "postgresql://ann@127.0.0.1:1/db can't be reached: Connection refused" in ran.err
    assert json.loads(told.out)["error"]["code"] == "store_unreachable"
    assert "pw" not in ran.err + told.out


@pytest.mark.parametrize("command", [["store", "check"], ["list"]])
def test_without_the_packages_the_way_to_install_them_is_told(
    program: Cli, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    words = [*command, ORDERS] if command == ["list"] and program.__name__ == "run" else command

    ran = program(*words, "--store", "postgresql://ann:pw@h/db")

    assert ran.code == 2
    assert "postgresql://ann@h/db needs the package psycopg: pip install 'envchart[sql]'" in ran.err


def test_the_file_of_a_bug_has_no_password(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    url = "postgresql://ann:pw@h/db"
    monkeypatch.setattr("sys.argv", ["statechart", "list", f"--store={url}"])
    monkeypatch.setattr("statechart.cli.loading.repository", lambda _: 1 / 0 if url else None)

    ran = cli("list", ORDERS, f"--store={url}")

    assert ran.code == 1
    (file,) = tmp_path.glob("*.traceback.txt")
    assert "postgresql://ann:***@h/db" in file.read_text()
    assert "pw" not in file.read_text()
