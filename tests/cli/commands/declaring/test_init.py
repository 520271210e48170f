"""`init`, and the search for a workspace."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import HELLO


@pytest.fixture
def here(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a program that is told no data directory."""
    monkeypatch.delenv("ENVCHART_DATA_DIR")
    return tmp_path


def test_a_workspace_is_found_from_every_directory_below(
    cli: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = cli("init")
    assert (ran.code, ran.out) == (0, "made a workspace: its environments are kept in data\n")
    assert ran.err == "next: envchart create NAME --app DIR\n"
    below = here / "some" / "where"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert cli("create", "web", "--app", HELLO).code == 0

    assert (here / "data" / "web" / "state.json").is_file()
    assert "web" in cli("list").out
    assert cli("show", "web", "--data-dir", "none").code == 3
    monkeypatch.setenv("ENVCHART_DATA_DIR", "none")
    assert cli("show", "web").code == 3


def test_the_data_directory_that_was_typed_is_written(cli: Any, here: Path) -> None:
    assert cli("init", "--data-dir", "envs", "--json").document == {
        "file": str(here / ".envchart.toml"),
        "data_dir": str(here / "envs"),
    }

    assert 'data_dir = "envs"' in (here / ".envchart.toml").read_text()
    again = cli("init", "--json")
    assert (again.code, again.error["code"]) == (5, "already_exists")


def test_a_workspace_inside_of_another_is_told(cli: Any, here: Path) -> None:
    cli("init")

    ran = cli("init", "inner")

    assert (ran.code, (here / "inner" / ".envchart.toml").is_file()) == (0, True)
    assert f"note: this workspace lies inside of {here}, whose environments it does not see" in ran.err


def test_files_of_something_else_in_data_are_left_alone(cli: Any, here: Path) -> None:
    (here / "data").mkdir()
    (here / "data" / "measured.csv").touch()

    for words in (("list",), ("create", "web", "--app", HELLO), ("show", "web")):
        ran = cli(*words)
        assert (ran.code, ran.err.splitlines()) == (
            2,
            [
                f"error: {here}/data holds other files and no environments, so it is left alone",
                "next: envchart init",
                "  or: ENVCHART_DATA_DIR=DIR envchart list",
            ],
        )
    made = cli("init")
    assert made.err.splitlines()[0] == "note: data holds files of something else, and is left alone"
    assert cli("create", "web", "--app", HELLO).code == 0
    assert [each.name for each in (here / "data").iterdir()] == ["measured.csv"]
    assert (here / "environments" / "web").is_dir()


def test_a_wrong_workspace_file_is_refused_with_its_line(cli: Any, here: Path) -> None:
    (here / ".envchart.toml").write_text("data_dri = 'x'\n")

    ran = cli("list", "--json")

    assert (ran.code, ran.error["code"]) == (2, "invalid_configuration")
    assert f"{here}/.envchart.toml:1: data_dri: there is no such key; did you mean" in ran.error["message"]
    assert ran.error["next"] == [
        "correct the values named above; for a valid example see envchart init --help"
    ]
    assert cli("--help").code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file to another user")
def test_the_workspace_file_of_another_user_is_not_trusted(
    cli: Any, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("init")
    os.chown(here / ".envchart.toml", 12345, -1)

    ran = cli("list", "--json")
    monkeypatch.setenv("ENVCHART_ALLOW_OTHER_OWNER", "1")

    assert (ran.code, ran.error["code"]) == (2, "other_owner")
    assert "belongs to another user (uid 12345)" in ran.error["message"]
    assert cli("list").code == 0
