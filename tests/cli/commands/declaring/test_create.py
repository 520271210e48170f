"""`create`: names, files and templates."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

HELLO = Path(__file__).parents[4] / "examples" / "hello"


SPEC = f"name: hello\nprovider:\n  kind: local\n  app: {HELLO}\n"


@pytest.mark.parametrize(
    ("name", "rule", "suggestion"),
    [
        ("", "is empty", "demo"),
        ("Demo_1", "may contain only a-z, 0-9 and '-'", "demo-1"),
        ("1st", "must start with a letter", "env-1st"),
        ("x" * 41, "is longer than 40 characters", "x" * 40),
        ("web-", "must not end with '-'", "web"),
        ("a--b", "must not contain '--'", "a-b"),
    ],
)
def test_an_invalid_name_is_refused_with_the_broken_rule_and_a_suggestion(
    cli: Any, name: str, rule: str, suggestion: str
) -> None:
    ran = cli("create", "--app", HELLO, "--", name)

    assert ran.code == 2
    assert f"it {rule}; try '{suggestion}'" in ran.err
    assert f"next: envchart create {suggestion} --app DIR" in ran.err


def test_an_existing_name_is_a_conflict_and_its_record_stays(cli: Any, hello: str, data: Path) -> None:
    before = (data / hello / "history.jsonl").read_bytes()

    ran = cli("create", hello, "--app", HELLO, "--port", "8080")

    assert ran.code == 5
    assert "'hello' already exists in" in ran.err
    assert "next: envchart show hello" in ran.err
    assert (data / hello / "history.jsonl").read_bytes() == before


def test_the_errors_of_a_file_are_listed_with_their_lines(cli: Any, file: Path) -> None:
    file.write_text(SPEC + "  prot: 1\nnmae: x\n")

    ran = cli("create", "--file", file)

    assert ran.code == 2
    assert f"{file}:5: provider.prot: there is no such key; did you mean 'port'?" in ran.err
    assert f"{file}:6: nmae: there is no such key; did you mean 'name'?" in ran.err
    assert cli("list").out == ""


def test_the_template_declares_a_valid_environment(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").touch()
    (tmp_path / "web.yaml").write_text(cli("create", "web", "--template").out)

    assert cli("create", "--file", "web.yaml").out == "web is created\n"


def test_each_built_in_kind_has_a_template(cli: Any) -> None:
    assert "  kind: terraform\n" in cli("create", "web", "--template", "--kind", "terraform").out
    for words in (("--template", "--kind", "cloud"), ("--kind", "terraform")):
        ran = cli("create", "web", *words)
        assert (ran.code, "envchart create --template" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ('description: "\\ud800"', "description"),
        ('env: {A: "\\ud800"}', "env.A"),
        ('command: [python3, "\\udfff"]', "command.1"),
        ('files: {"\\ud800": b}', "files.\\ud800"),
    ],
)
def test_a_file_with_half_of_a_surrogate_pair_is_refused(
    cli: Any, tmp_path: Path, content: str, place: str
) -> None:
    indent = "" if content.startswith("description") else "  "
    file = tmp_path / "environment.yaml"
    file.write_text(f"name: web\nprovider:\n  kind: local\n  app: {HELLO}\n{indent}{content}\n")

    ran = cli("create", "--file", file)

    assert ran.code == 2
    assert f"{place}: contains a character that UTF-8 lacks" in ran.err


def test_arguments_that_are_not_utf_8_are_refused(cli: Any, tmp_path: Path) -> None:
    app = tmp_path / os.fsdecode(b"app\xff")
    shutil.copytree(HELLO, app)

    for words, place in ((("--app", app), "app"), (("--app", HELLO, "--env", "A=\udcff"), "env.A")):
        ran = cli("create", "web", *words, "--json")

        assert (ran.code, ran.error["code"]) == (2, "invalid_configuration")
        assert f"{place}: contains a character that UTF-8 lacks" in ran.error["message"]


@pytest.mark.parametrize("variable", ["K=@env:", "K=@file:", "K=@env: "])
def test_a_secret_without_a_place_is_refused(cli: Any, tmp_path: Path, variable: str) -> None:
    ran = cli("create", "web", "--app", HELLO, "--env", variable)

    assert ran.code == 2
    assert f"--env {variable!r} names no" in ran.err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("option", ["--app", "--file"])
def test_an_empty_path_is_not_the_working_directory(
    cli: Any, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.chdir(HELLO)

    ran = cli("create", "web", option, "")

    assert ran.code == 2
    assert "the path is empty" in ran.err


def test_a_secret_that_is_not_there_is_told_at_once(cli: Any, tmp_path: Path) -> None:
    ran = cli(
        "create",
        "web",
        "--app",
        HELLO,
        "--env",
        "A=@env:NO_SUCH",
        "--env",
        "B=@file:/nowhere",
        "--env",
        "C=@env:HOME",
    )

    assert ran.code == 0
    assert "note: env.A: the environment variable NO_SUCH is not set" in ran.err
    assert "note: env.B: the file /nowhere is not there" in ran.err
    assert "env.C" not in ran.err
    assert "note: env.A" in cli("up", "web", "--to", "provisioned").err


def test_labels_and_the_expiry_are_typed_or_come_from_the_file(
    cli: Any, data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "env.yaml"
    file.write_text(f"labels: {{team: web}}\nexpires: 7d\nprovider: {{kind: local, app: {HELLO}}}\n")

    ran = cli("create", "pr-42", "--file", file, "--label", "pr=42", "--expires", "8h", "--json")

    assert ran.document["spec"]["labels"] == {"team": "web", "pr": "42"}
    assert ran.document["spec"]["expires"] == "PT8H"
    typed = cli("create", "b", "--app", HELLO, "--label", "team=web", "--json").document["spec"]
    assert (typed["labels"], "expires" in typed) == ({"team": "web"}, False)
    for words, problem in {
        "--label team": "--label 'team' is not of the form K=V",
        "--label a=1 --label a=2": "--label 'a' is given twice",
        "--label -a=1": "--label: the key '-a' must begin with a letter or a digit",
        "--expires=-8h": "--expires: is in the past",
        "--expires 2020-01-31T18:00Z": "expires: 2020-01-31 18:00:00Z is in the past; give a later time",
    }.items():
        refused = cli("create", "c", "--app", HELLO, *words.split())
        assert (refused.code, problem in refused.err) == (2, True), refused.err
    assert not (data / "c").exists()
