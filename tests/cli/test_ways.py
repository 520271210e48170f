"""Words that are no commands: the real way is named, and spelling leads to none that takes away."""

from __future__ import annotations

import re
from typing import Any

import pytest

from environments.cli.registry import COMMANDS, TAKING, WAYS
from environments.storage.file import FileRepository
from tests.cli.conftest import HELLO


def test_each_word_is_answered_with_existing_commands(cli: Any) -> None:
    assert not WAYS.keys() & COMMANDS.keys()
    for word, way in WAYS.items():
        ran = cli(word, "web", "--json")
        assert (ran.code, ran.error["code"]) == (2, "usage")
        assert way.words in ran.error["message"]
        commands = [step.split("envchart ")[1].split()[0] for step in ran.error["next"]]
        assert set(commands) <= {*COMMANDS, "--help", "--version"}, word


@pytest.mark.parametrize("word", ["push", "launch", "reload", "status", "ls", "plan", "log"])
def test_no_harmless_word_leads_to_a_command_that_takes_away(word: str) -> None:
    assert not TAKING & set(re.findall(r"\w+", " ".join(WAYS[word].next)))


@pytest.mark.parametrize(
    "word", ["destory", "destry", "puge", "purg", "unlok", "recove", "distro", "Destroy"]
)
def test_no_misspelt_word_suggests_a_command_that_takes_away(cli: Any, word: str) -> None:
    ran = cli(word, "web")

    assert ran.code == 2
    assert "Did you mean" not in ran.err
    assert not TAKING & set(re.findall(r"'(\w+)'", ran.err.partition(word)[2]))


def test_a_misspelt_harmless_command_is_suggested(cli: Any) -> None:
    assert "Did you mean 'provision'?" in cli("provison", "web").err
    assert "No such command 'UP'. Did you mean 'up'?" in cli("UP", "web").err


def test_steps_are_printed_as_steps(cli: Any) -> None:
    said = cli("push", "web").err

    assert "next: envchart deploy NAME\n  or: envchart up NAME --app DIR\n" in said


def test_each_step_names_the_data_directory_that_was_typed(cli: Any) -> None:
    for word in ("push", "reload", "rollback"):
        steps = cli("--data-dir", "there", word, "--json").error["next"]
        assert all(step.endswith(" --data-dir there") for step in steps), steps


def test_a_destroyed_environment_has_to_be_purged_and_created_again(cli: Any, hello: str) -> None:
    assert cli("destroy", hello, "--yes").code == 0

    again = cli("create", hello, "--app", HELLO, "--json")
    assert (again.code, again.error["next"][0]) == (5, "envchart purge hello")
    up = cli("up", hello, "--json")
    assert (up.code, up.error["next"]) == (
        4,
        ["envchart purge hello", "then envchart create hello --app DIR"],
    )


def test_up_of_a_new_name_names_the_options_that_create_it(cli: Any, hello: str) -> None:
    ran = cli("up", "hello2", "--json")

    assert (ran.code, ran.error["code"]) == (3, "not_found")
    assert "did you mean 'hello'?" in ran.error["message"]
    assert ran.error["next"][0] == "to create it: envchart up hello2 --app DIR"
    assert "up hello2 --file FILE" in ran.error["next"][1]


def test_no_previous_release_is_named_with_what_can_be_done(
    cli: Any, hello: str, repository: FileRepository
) -> None:
    assert cli("up", hello, "--to", "released").code == 0

    ran = cli("release", hello, "--previous", "--json")

    assert (ran.code, ran.error["code"]) == (2, "invalid_configuration")
    assert ran.error["next"][0] == "envchart release hello"
    assert cli("destroy", hello, "--yes").code == 0


def test_no_control_code_is_printed_with_a_name_of_a_directory(cli: Any) -> None:
    odd = "da\x1b[31mta'"
    assert cli("--data-dir", odd, "create", "odd", "--app", "/").code in (0, 2)
    for words in (("list",), ("show", "odd"), ("why", "odd"), ("verify", "--all")):
        ran = cli("--data-dir", odd, *words)
        assert "\x1b" not in ran.out + ran.err
    assert r"--data-dir $'da\x1b[31mta\''" in cli("--data-dir", odd, "show", "nothing").err
