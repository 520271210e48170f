"""`fleet` on the command line: its help, and what it says without a store in PostgreSQL."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
import pytest

from environments.cli.app import ENVCHART
from environments.cli.commands.fleet.group import SUBCOMMANDS, fleet
from environments.cli.settings import Settings
from statechart.terminal.program.group import Subcommand


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_the_help_fits_the_terminal(
    cli: Any, monkeypatch: pytest.MonkeyPatch, name: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))

    lines = cli("fleet", name, "--help").out.splitlines()

    assert lines[0].startswith(f"Usage: envchart fleet {name}")
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_the_examples_can_be_parsed(name: str) -> None:
    with ENVCHART.make_context("envchart", [], obj=Settings(), resilient_parsing=True) as context:
        command = fleet.get_command(context, name)
        assert isinstance(command, Subcommand)
        assert command.help is not None
        assert command.help.split("\n")[0] == SUBCOMMANDS[name].help
        for example in command.examples:
            program, group, typed, *words = shlex.split(example.partition(" | ")[0], comments=True)
            assert (program, group, typed) == ("envchart", "fleet", name)
            command.make_context(name, words, parent=click.Context(fleet, obj=Settings()))


@pytest.mark.parametrize(
    "words", [("fleet", "list"), ("fleet", "worker"), ("fleet", "submit", "web"), ("up", "web", "--fleet")]
)
def test_a_data_directory_carries_no_fleet(cli: Any, data: Path, words: tuple[str, ...]) -> None:
    ran = cli(*words, "--json", "--data-dir", data)

    assert (ran.code, ran.error["code"]) == (2, "fleet_unavailable")


def test_a_file_of_sqlite_serves_one_machine(cli: Any, tmp_path: Path) -> None:
    ran = cli("fleet", "list", "--json", "--store", f"sqlite:///{tmp_path}/store.db")

    assert (ran.code, ran.error["code"]) == (2, "fleet_unavailable")
    assert "serves one machine only" in ran.error["message"]


def test_options_that_a_fleet_does_not_know_are_refused(cli: Any, data: Path) -> None:
    ran = cli("up", "web", "--fleet", "--deep", "--json", "--data-dir", data)

    assert (ran.code, ran.error["code"]) == (2, "usage")
