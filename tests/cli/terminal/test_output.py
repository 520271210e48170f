"""The result on stdout, and an stdout that can't be written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from statechart.terminal.output import fitting

HELLO = Path(__file__).parents[3] / "examples" / "hello"


def test_only_the_result_is_on_stdout(cli: Any) -> None:
    ran = cli("create", "web", "--app", HELLO)

    assert ran.out == "web is created\n"
    assert ran.err.splitlines()[0] == "next: envchart provision web"


@pytest.mark.parametrize(
    ("is_terminal", "shown"),
    [
        (True, "web is running at\n  http://127.0.0.1:8080/,\n  release d5a32c49e570"),
        (False, "web is running at http://127.0.0.1:8080/, release d5a32c49e570"),
    ],
    ids=["terminal", "pipe"],
)
def test_a_line_of_the_result_is_wrapped_between_words_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, shown: str
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    monkeypatch.setenv("COLUMNS", "26")

    assert fitting("web is running at http://127.0.0.1:8080/, release d5a32c49e570") == shown


def test_with_json_stdout_is_one_document_and_progress_is_on_stderr(cli: Any, hello: str) -> None:
    ran = cli("provision", hello, "--json")

    assert ran.document["state"] == "provisioned"
    assert "[2/2] reserve_port … done" in ran.err
    assert "next:" not in ran.err
    cli("destroy", hello, "--yes")


def test_a_reader_that_closes_the_pipe_is_no_error(hello: str, data: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "environments", "--data-dir", str(data), "show", hello]

    done = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, text=True, check=False)

    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("name", ["hello", "nobody"])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_full_disk_behind_stdout_is_reported(
    hello: str, data: Path, name: str, options: tuple[str, ...]
) -> None:
    words = [sys.executable, "-m", "environments", "--data-dir", str(data), "show", name, *options]

    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert done.returncode == (1 if name == "hello" else 3)
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_control_codes_in_stored_text_are_not_printed(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "env.yaml").write_text(
        f'name: web\ndescription: "\\e[31mred\\e[0m\\a"\nprovider: {{kind: local, app: {HELLO}}}\n'
    )
    cli("create", "--file", "env.yaml")

    assert "description  red\n" in cli("show", "web").out
