"""Shell completion."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import HELLO


@pytest.fixture
def complete(cli: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Returns what bash is told for a line whose last word is completed."""

    def completed(line: str) -> list[str]:
        # Bash takes `=` for a word of its own.
        words = [
            word for typed in line.split(" ") for word in re.split("(=)", typed) if word or "=" not in typed
        ]
        monkeypatch.setenv("_ENVCHART_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        ran = cli()
        monkeypatch.delenv("_ENVCHART_COMPLETE")
        assert (ran.code, ran.err) == (0, "")
        return ran.out.split()

    return completed


def test_the_shell_completes_each_kind_of_word(cli: Any, hello: str, complete: Any) -> None:
    cli(
        "update",
        hello,
        "--set",
        "labels.team=web",
        "--set",
        "labels.tier=front",
        "--set",
        "provider.port=8080",
    )

    for line, expected in {
        "envchart sh": ["plain,show"],
        "envchart --js": ["plain,--json"],
        "envchart show he": ["plain,hello"],
        "envchart show other": [],
        "envchart up hello --to prov": [
            "plain,provisioning",
            "plain,provisioned",
            "plain,provision_failed",
        ],
        "envchart up hello --to=run": ["plain,running", "plain,run_failed"],
        "envchart create --app ex": ["dir,ex"],
        "envchart create --template --kind t": ["plain,terraform"],
        "envchart diagram --of he": ["plain,hello"],
        "envchart diagram --format m": ["plain,mermaid", "plain,md"],
        "envchart diagram --path provision,c": ["plain,provision,complete", "plain,provision,configure"],
        "envchart wait hello --for running,go": ["plain,running,gone"],
        "envchart list --group-by te": ["plain,team"],
        "envchart docs w": ["plain,write"],
        "envchart stop --label t": ["plain,team=web", "plain,tier=front"],
        "envchart stop --label team=": ["plain,web"],
        "envchart stop -l team=w": ["plain,web"],
        "envchart stop --state int": ["plain,interrupted"],
        "envchart update hello --set provider.po": ["plain,provider.port=8080"],
        "envchart update hello --unset lab": ["plain,labels.team", "plain,labels.tier"],
    }.items():
        assert complete(line) == expected, line


def test_only_names_are_completed_for_which_the_command_is_of_use(
    cli: Any, complete: Any, data: Path
) -> None:
    for name in ("created", "gone", "unreadable"):
        cli("create", name, "--app", HELLO)
    cli("destroy", "gone", "--yes")
    (data / "unreadable" / "state.json").write_text("{")

    for command, expected in {
        "show": "created gone unreadable",
        "create": "unreadable",
        "provision": "created unreadable",
        "configure": "unreadable",
        "deploy": "unreadable",
        "up": "created unreadable",
        "destroy": "created unreadable",
        "purge": "gone unreadable",
        "retry": "unreadable",
        "recover": "unreadable",
    }.items():
        assert complete(f"envchart {command} ") == [f"plain,{name}" for name in expected.split()], command
    assert complete("envchart stop created unr") == ["plain,unreadable"]
    assert complete("envchart destroy created c") == []


def test_each_shell_is_answered(cli: Any, hello: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"bash": "plain,hello\n", "zsh": "plain\nhello\n_\n", "fish": "plain,hello\n"}
    monkeypatch.setenv("COMP_WORDS", "envchart show he")
    for shell, answer in answers.items():
        monkeypatch.setenv("COMP_CWORD", "he" if shell == "fish" else "2")
        monkeypatch.setenv("_ENVCHART_COMPLETE", f"{shell}_complete")
        assert cli().out == answer


def test_nothing_is_completed_in_a_workspace_that_can_t_be_read(
    cli: Any, complete: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENVCHART_DATA_DIR")
    (tmp_path / ".envchart.toml").write_text("no toml")

    assert complete("envchart show ") == []
    assert complete("envchart stop --label ") == []


def test_a_bash_script_installed_by_an_older_version_keeps_completing(
    cli: Any, hello: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_ENVCHART_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "envchart show he")
    monkeypatch.setenv("COMP_CWORD", "2")

    ran = cli()

    assert (ran.code, ran.out) == (0, "hello\n")


def test_completion_is_installed_once_and_replaces_an_older_script(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHELL", "/bin/bash")
    script = tmp_path / ".bash_completions" / "envchart.sh"
    script.parent.mkdir()
    script.write_text("an older script")

    shown, first, second = (cli(f"--{verb}-completion") for verb in ("show", "install", "install"))

    assert "_ENVCHART_COMPLETE=bash_complete" in shown.out
    assert script.read_text() == shown.out
    assert (tmp_path / ".bashrc").read_text() == f"\nsource '{script}'\n"
    assert f"bash completion is installed in {script}" in first.err
    assert (first.code, second.code) == (0, 0)


def test_a_shell_without_completion_is_a_usage_error(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/csh")

    ran = cli("--install-completion")

    assert ran.code == 2
    assert "there is no completion for the shell 'csh'" in ran.err


def test_a_start_up_file_is_extended_whatever_its_bytes_and_its_place(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "it's home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SHELL", "/bin/bash")
    startup = home / ".bashrc"
    startup.write_bytes(b"export GREETING='caf\xe9'")

    assert [cli("--install-completion").code for _ in range(2)] == [0, 0]

    assert startup.read_bytes().count(b"source") == 1
    shown = subprocess.run(
        ["bash", "-c", '. "$HOME/.bashrc" && complete -p envchart'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "_envchart_completion envchart" in shown.stdout


@pytest.mark.parametrize(
    ("instruction", "question"),
    [
        *((f"{shell}_complete", {}) for shell in ("bash", "zsh", "fish")),
        ("complete_bash", {}),
        ("bash_complete", {"COMP_WORDS": "envchart ", "COMP_CWORD": "x"}),
    ],
)
def test_without_a_question_nothing_is_completed(
    cli: Any, monkeypatch: pytest.MonkeyPatch, instruction: str, question: dict[str, str]
) -> None:
    for name, value in {"_ENVCHART_COMPLETE": instruction, **question}.items():
        monkeypatch.setenv(name, value)

    ran = cli()

    assert (ran.code, ran.out, ran.err) == (1, "", "")
