"""Shell completion."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("envchart sh", "plain,show"),
        ("envchart --js", "plain,--json"),
        ("envchart show he", "plain,hello"),
        ("envchart diagram --of he", "plain,hello"),
        ("envchart up hello --to prov", "plain,provisioned"),
        ("envchart create --app ex", "dir,ex"),
    ],
)
def test_the_shell_completes_commands_options_names_states_and_paths(
    hello: str, data: Path, words: str, found: str
) -> None:
    environment = {
        **os.environ,
        "_ENVCHART_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
        "ENVCHART_DATA_DIR": str(data),
    }

    done = subprocess.run(
        [sys.executable, "-m", "environments"], env=environment, capture_output=True, text=True, check=False
    )

    assert found in done.stdout.split()


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
