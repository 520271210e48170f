"""The `envchart` command: its help, version and shared options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from environments.cli.group import OVERVIEW

HELLO = Path(__file__).parents[2] / "examples" / "hello"


def test_shared_options_are_taken_before_and_after_the_subcommand(cli: Any, tmp_path: Path) -> None:
    assert (
        cli("--data-dir", "one", "--json", "create", "web", "--app", HELLO).document["state"] == "created"
    )
    assert cli("show", "web", "--json", "--data-dir", "one").document["next"][0] == (
        "envchart provision web --data-dir one"
    )
    assert cli("--data-dir", "two", "show", "web", "--data-dir", "one").code == 0


def test_help_names_the_states_in_which_a_command_is_allowed(cli: Any) -> None:
    assert "From created." in cli("register", "--help").out
    assert "From every state but destroyed." in cli("destroy", "--help").out


def test_without_words_twelve_lines_are_printed(cli: Any) -> None:
    ran = cli()

    assert (ran.code, ran.out) == (0, OVERVIEW)
    assert len(ran.out.splitlines()) == 12
    assert max(map(len, ran.out.splitlines())) <= 60


def test_the_version_is_that_of_the_distribution(cli: Any) -> None:
    from importlib.metadata import version

    assert cli("--version").out == f"envchart {version('envchart')}\n"
