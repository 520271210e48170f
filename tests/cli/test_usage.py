"""Usage errors: the message, the exit code and the command to type instead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest


def test_an_invalid_name_is_refused_by_every_subcommand(cli: Any) -> None:
    for command in ("provision", "configure", "release", "run", "up", "retry", "show", "history", "logs"):
        assert cli(command, "../x", "--json").error["code"] == "invalid_name"


def test_an_unknown_name_is_not_found_and_similar_names_are_suggested(
    cli: Any, hello: str, data: Path
) -> None:
    ran = cli("provision", "helo", "--json")

    assert ran.code == 3
    assert ran.error["message"] == f"there is no 'helo' in {data}"
    assert ran.error["next"][0] == "did you mean 'hello'? envchart show hello"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create",), "nothing to create: give --app DIR or --file FILE"),
        (("create", "web"), "nothing to create: give --app DIR or --file FILE"),
        (("create", "--app", "."), "--app needs a name"),
        (("create", "web", "--port", "1"), "--port and --env need --app"),
        (
            ("create", "web", "--app", ".", "--file", "env.yaml"),
            "--file can't be combined with --app, --port or --env",
        ),
        (("create", "web", "--app", ".", "--env", "A"), "--env 'A' is not of the form K=V"),
        (("create", "web", "--app", ".", "--env", "A=1", "--env", "A=2"), "--env 'A' is given twice"),
        (
            ("create", "web", "--app", ".", "--port", "70000"),
            "--port: should be less than or equal to 65535, got 70000",
        ),
        (("create", "web", "--app", ".", "--env", "A-B=1"), "'A-B' is not a valid name for a variable"),
        (("create", "web", "--app", "nowhere"), "nowhere does not exist"),
        (("create", "web", "--file", "nowhere.yaml"), "No such file or directory"),
        (("up",), "the name of an environment is missing"),
        (("up", "web", "--to", "runing"), "Lifecycle has no state 'runing': did you mean 'running'?"),
        (("update", "web"), "nothing to change: give --file FILE"),
        (("release", "web", "--app", ".", "--previous"), "--app can't be combined with --previous"),
        (("logs", "web", "--follow", "--trace"), "--follow has no end"),
        (("diagram", "--format", "gif"), "there is no format 'gif': use mermaid, dot, svg, png, md, rst"),
        (
            ("diagram", "--state", "running", "--path", "provision"),
            "--of, --state and --path each mark something",
        ),
        (("diagram", "--of", "web", "--path", "provision"), "each mark something: choose one"),
        (
            ("diagram", "--path", "provision,run"),
            "run does not leave provisioning; events that do: complete, fail",
        ),
        (("docs", "wrtie"), "unknown action 'wrtie': use write or check"),
        (("docs", "check", "no/such.md"), "no/such.md: there is no such file"),
        (("diagram", "--output", "no/such/file"), "no/such/file can't be written"),
        (("provision", "web", "--lock-timeout", "-1"), "'-1' is not a number of at least 0"),
        (("provision", "web", "--lock-timeout", "nan"), "--lock-timeout"),
        (("--data-dir", "", "list"), "this is not the name of a directory"),
        (("show", "web", "--log-file", "no/such/file"), "no/such/file can't be written"),
        (("bogus",), "No such command 'bogus'"),
        (("shw",), "Did you mean 'show'?"),
        (("show",), "Missing argument"),
        (("show", "web", "--jsn"), "No such option '--jsn'. Did you mean '--json'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_usage_error_names_the_mistake_and_a_command_to_type(
    cli: Any, words: tuple[str, ...], said: str
) -> None:
    ran = cli(*words)
    as_json = cli("--json", *words)

    assert (ran.code, as_json.code) == (2, 2)
    assert said in re.sub(r"\s+", " ", ran.err)
    assert "next: " in ran.err
    assert ran.out == ""
    assert said in re.sub(r"\s+", " ", as_json.error["message"])
    assert as_json.error["next"]
