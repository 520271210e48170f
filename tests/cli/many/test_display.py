"""The progress of several environments, on a terminal and in a pipe."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest

from environments.cli.many.display import Display
from environments.cli.settings import Settings
from environments.execution.progress import (
    CommandDue,
    CommandEnded,
    CommandStarted,
    Noticed,
    Progress,
    StepAttemptFailed,
    StepReported,
    StepStarted,
)
from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.spec import EnvironmentSpec
from environments.testing import FixedClock, ScriptedSpec

RUN = CommandName.RUN
LONG = "preview-of-a-branch-with-a-long-name"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told_of(name: str) -> list[Progress]:
    """The progress of a command that tries a step twice."""
    environment = Environment.new(EnvironmentSpec(name=name, provider=ScriptedSpec()), FixedClock().now())
    step = {"name": name, "command": RUN, "step": "check_health", "number": 2, "of": 2}
    second = timedelta(seconds=1)
    return [
        Noticed(name=name, message="repaired"),
        CommandDue(name=name, command=RUN, number=2, of=3),
        CommandStarted(name=name, command=RUN, operation_id="one", of=2),
        StepStarted(**step),
        StepAttemptFailed(**step, summary="no answer", retry_in=second),
        StepReported(**step, message="port 8080 not open yet", passing=True),
        CommandEnded(name=name, command=RUN, environment=environment, duration=second),
    ]


def test_a_pipe_gets_a_line_with_the_name_for_each_command_that_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Display(Settings(), {"a": "released"}) as display:
        for progress in told_of("a"):
            display(progress)
        at_work = display.at_work
        with display.ended("a"):
            pass

    assert at_work == "a"
    assert display.at_work is None
    assert capsys.readouterr().err.splitlines() == [
        "note: a: repaired",
        "a: check_health failed: no answer; again in 1.00s",
        "a: run done in 1.00s",
    ]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], list[str]]:
    """Returns the rows of two environments after some events, on a terminal of a width."""

    def draw(columns: int, events: int) -> list[str]:
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")
        with Display(Settings(), {"a": "released", LONG: "released", "c": "created"}) as display:
            for name in ("a", LONG):
                display.began(name)
                for progress in told_of(name)[:events]:
                    display(progress)
            with display.ended("a"):
                before = terminal.tell()
        seen = re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", terminal.getvalue()[:before])
        return [line.strip("\r ") for line in seen.splitlines() if line.strip()]

    return draw


@pytest.mark.parametrize(
    ("columns", "name", "rest"),
    [
        (80, f"{LONG[:25]}…", "released          run [2/2] check_health"),
        (60, f"{LONG[:19]}…", "2 of 3: run [2/2] check_health"),
        (42, f"{LONG[:13]}…", "run [2/2] …"),  # neither the place nor a part of a word
    ],
)
def test_a_terminal_shows_a_row_for_each_environment_under_way(
    drawn: Callable[[int, int], list[str]], columns: int, name: str, rest: str
) -> None:
    lines = drawn(columns, 6)

    row = f"0s  {name}  {rest}"
    assert any(row in line for line in lines), lines
    assert all(len(line) <= columns for line in lines if "[2/2]" in line)
    assert "1 of 3 ended, 1 waiting" in lines


def test_the_row_of_a_command_that_ended_shows_the_new_state(
    drawn: Callable[[int, int], list[str]],
) -> None:
    assert any(line.endswith(f"{LONG[:25]}…  created") for line in drawn(80, 7))


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "dumb")

    with Display(Settings(), {"a": "released"}) as display:
        display.note("a message")

    assert terminal.getvalue() == "a message\n"
