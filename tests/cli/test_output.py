"""Where output goes, what it looks like, and what happens when it can't go there."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from environments.cli.settings import Settings
from environments.cli.terminal.colours import styled
from environments.cli.terminal.screen import PlainScreen, open_screen
from environments.cli.terminal.spinner import TerminalScreen
from environments.model import provider_kinds
from environments.presentation.text import ago

HELLO = Path(__file__).parents[2] / "examples" / "hello"
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_result_is_alone_on_stdout(cli: Any) -> None:
    ran = cli("create", "web", "--app", HELLO)

    assert ran.out == "web is created\n"
    assert ran.err.splitlines()[0] == "next: envchart provision web"


def test_with_json_stdout_is_one_document_and_progress_stays_on_stderr(cli: Any, hello: str) -> None:
    ran = cli("provision", hello, "--json")

    assert ran.document["state"] == "provisioned"
    assert "[2/2] reserve_port … done" in ran.err
    assert "next:" not in ran.err
    cli("destroy", hello, "--yes")


def test_nobody_reading_is_no_error(hello: str, data: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "environments", "--data-dir", str(data), "show", hello]

    done = subprocess.run(words, stdout=write, stderr=subprocess.PIPE, text=True, check=False)

    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("name", ["hello", "nobody"])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_full_disk_behind_stdout_is_told(
    hello: str, data: Path, name: str, options: tuple[str, ...]
) -> None:
    words = [sys.executable, "-m", "environments", "--data-dir", str(data), "show", name, *options]

    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert done.returncode == (1 if name == "hello" else 3)
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mistake_of_the_program_is_one_line_and_its_traceback_in_a_file(
    cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setitem(provider_kinds._registered, "unfinished", "environments.testing:Missing")
    (tmp_path / "env.yaml").write_text("name: web\nprovider: {kind: unfinished}\n")
    words = ("create", "--file", "env.yaml")

    ran, verbose = cli(*words), cli(*words, "-v")

    assert (ran.code, verbose.code) == (1, 1)
    assert ran.err.startswith("error: unexpected AttributeError: ")
    assert "Traceback" in Path(ran.err.splitlines()[1].removeprefix("next: report it with ")).read_text()
    assert "Traceback" in verbose.err
    assert cli(*words, "--json").error["code"] == "unexpected"


def test_transitions_are_logged_on_stderr_when_asked_for(cli: Any, hello: str) -> None:
    silent, verbose = cli("provision", hello), cli("configure", hello, "-v")

    assert "Environment state transition" not in silent.err
    assert verbose.err.count("info: Environment state transition") == 2
    assert "event=complete from_state=configuring to_state=configured" in verbose.err
    assert "debug: " in cli("release", hello, "-vv").err
    cli("destroy", hello, "--yes")


def test_the_log_file_has_a_json_object_a_line(cli: Any, hello: str, tmp_path: Path) -> None:
    cli("provision", hello, "--log-file", "log.jsonl")
    cli("destroy", hello, "--yes", "--log-file", "log.jsonl")

    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]

    transitions = [line for line in lines if line["message"] == "Environment state transition"]
    assert [line["to_state"] for line in transitions] == ["provisioning", "provisioned", "destroyed"]
    assert all(datetime.fromisoformat(line["time"]).tzinfo for line in lines)


def test_control_codes_in_what_is_stored_do_nothing_to_a_terminal(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "env.yaml").write_text(
        f'name: web\ndescription: "\\e[31mred\\e[0m\\a"\nprovider: {{kind: local, app: {HELLO}}}\n'
    )
    cli("create", "--file", "env.yaml")

    assert "description  red\n" in cli("show", "web").out


def test_an_open_line_is_ended_by_its_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    screen = PlainScreen()
    screen.begin("[1/1] step")
    screen.end("[1/1] step", outcome="done", good=True)

    assert capsys.readouterr().err == "[1/1] step … done\n"


def test_what_comes_in_between_has_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    screen = PlainScreen()
    screen.begin("[1/1] step")
    screen.note("a warning")
    screen.end("[1/1] step", outcome="done", good=True)

    assert capsys.readouterr().err == "[1/1] step … \na warning\n[1/1] step … done\n"


def test_a_terminal_gets_a_spinner_and_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    screen = open_screen(Settings())
    assert isinstance(screen, TerminalScreen)

    screen.begin("[1/1] step [bold]")
    screen.note("a note")
    screen.end("[1/1] step [bold]", outcome="failed: no", good=False)

    assert "a note" in terminal.getvalue()
    assert "[1/1] step [bold] … \x1b[31mfailed: no\x1b[0m" in terminal.getvalue()


@pytest.mark.parametrize(("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_are_left_out_where_they_are_not_wanted(
    cli: Any, hello: str, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert styled("x", "red") == "\x1b[31mx\x1b[0m"

    monkeypatch.setenv(variable, value)
    assert styled("x", "red") == "x"


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(), "now"),
        (timedelta(seconds=-5), "now"),
        (timedelta(seconds=59), "59 s ago"),
        (timedelta(minutes=5), "5 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=9), "9 days ago"),
    ],
)
def test_how_long_ago_is_said_in_one_unit(passed: timedelta, words: str) -> None:
    assert ago(AT, AT + passed) == words


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
def test_the_shell_completes_commands_names_and_states(
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


def test_other_peoples_logging_is_left_alone(cli: Any, hello: str) -> None:
    before = list(logging.getLogger().handlers)

    cli("show", hello, "-vv")

    assert logging.getLogger().handlers == before
