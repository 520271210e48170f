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
