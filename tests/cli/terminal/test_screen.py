"""Progress and messages on stderr."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from environments.cli.settings import Settings
from environments.cli.terminal.narrator import Narrator, open_screen
from environments.cli.terminal.spinner import TerminalScreen
from environments.execution.progress import (
    CommandDue,
    CommandEnded,
    CommandStarted,
    Progress,
    StepAttemptFailed,
    StepFinished,
    StepReported,
    StepStarted,
)
from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.failure import Failure, FailureCause
from environments.model.spec import EnvironmentSpec
from environments.testing import ScriptedSpec
from statechart.terminal.lines import fitted, step_outcome
from statechart.terminal.screen import PlainScreen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_an_open_line_is_completed_by_its_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    screen = PlainScreen()
    screen.begin("[1/1] step")
    screen.end("[1/1] step", outcome="done", good=True)

    assert capsys.readouterr().err == "[1/1] step … done\n"


def test_a_message_during_a_step_has_its_own_line(capsys: pytest.CaptureFixture[str]) -> None:
    screen = PlainScreen()
    screen.begin("[1/1] step")
    screen.note("a warning")
    screen.end("[1/1] step", outcome="done", good=True)

    assert capsys.readouterr().err == "[1/1] step … \na warning\n[1/1] step … done\n"


def test_a_terminal_shows_a_spinner_and_coloured_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    screen = open_screen()
    assert isinstance(screen, TerminalScreen)

    screen.begin("[1/1] step [bold]")
    screen.note("a note")
    screen.end("[1/1] step [bold]", outcome="failed: no", good=False)

    assert "a note" in terminal.getvalue()
    assert "[1/1] step [bold] … \x1b[31mfailed: no\x1b[0m" in terminal.getvalue()


RUN = {"name": "web", "command": CommandName.RUN}
HEALTH = {**RUN, "step": "check_health", "number": 2, "of": 2}
NOW = datetime(2026, 1, 1, tzinfo=UTC)
WEB = Environment.new(EnvironmentSpec(name="web", provider=ScriptedSpec()), NOW)
LONG = "the app exited with status 1; it said last: no configuration is there, so nothing can be served"
FAILURE = Failure(
    command=CommandName.RUN,
    step="check_health",
    cause=FailureCause.TIMEOUT,
    summary=LONG,
    started_at=NOW,
    failed_at=NOW,
    duration=timedelta(seconds=9),
    trace_id="t",
)
BEGUN: list[Progress] = [
    CommandDue(**RUN, number=2, of=3, reasons=("service down: its process is gone",)),
    CommandStarted(**RUN, operation_id="o", of=2),
    StepStarted(**RUN, step="start_service", number=1, of=2),
    StepFinished(
        **RUN,
        step="start_service",
        number=1,
        of=2,
        duration=timedelta(seconds=0.1),
        note="pid 4711 on port 8080, with a note that has no room on a terminal of sixty columns",
    ),
    StepStarted(**HEALTH, timeout=timedelta(seconds=90), elapsed=timedelta(seconds=7)),
    StepReported(**HEALTH, message="port 8080 not open yet", passing=True),
]
DONE: list[Progress] = [
    StepFinished(**HEALTH, duration=timedelta(seconds=8)),
    CommandEnded(**RUN, environment=WEB, duration=timedelta(seconds=8.25)),
]
FAILED: list[Progress] = [
    StepAttemptFailed(**HEALTH, summary=LONG),
    CommandEnded(**RUN, environment=WEB, duration=timedelta(seconds=9), failure=FAILURE),
]

Screened = Callable[..., str]


@pytest.fixture
def screened(monkeypatch: pytest.MonkeyPatch) -> Screened:
    """Tells what a terminal of sixty columns, or a pipe, was sent for the events of a command."""

    def shown(events: list[Progress], *, terminal: bool = True, term: str = "xterm") -> str:
        stream = Terminal() if terminal else io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", term)
        monkeypatch.setenv("COLUMNS", "60")
        monkeypatch.setenv("NO_COLOR", "1")
        with Narrator(Settings()) as narrator:
            for event in events:
                narrator(event)
            if isinstance(narrator._screen, TerminalScreen) and narrator._screen._live is not None:
                narrator._screen._live.refresh()
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).replace("\r", "")

    return shown


def test_a_live_step_shows_elapsed_and_allowed_time_and_why_it_waits(screened: Screened) -> None:
    shown = screened(BEGUN)

    assert "run web (command 2 of 3)\n" in shown
    assert re.search(r"\[2/2\] check_health … \d+ s of 90 s, port 8080 not open yet", shown)
    assert max(map(len, re.split("\n|[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]|run web", shown))) <= 60


def test_a_command_that_is_done_becomes_one_line(screened: Screened) -> None:
    last = screened([*BEGUN, *DONE]).splitlines()[-1]

    assert last.endswith("✓ run web (command 2 of 3): done in 8.25s (service down …)")


def test_the_steps_of_a_failed_command_stay_and_the_reason_is_whole(screened: Screened) -> None:
    shown = screened([*BEGUN, *FAILED])

    assert shown.endswith(
        "run web (command 2 of 3)\n"
        "  because service down: its process is gone\n"
        "  [1/2] start_service … done 0.10s (pid 4711 on port …)\n"
        "  [2/2] check_health … failed: the app exited with status 1;\n"
        "        it said last: no configuration is there, so nothing\n"
        "        can be served\n"
        "✗ run: failed in 9.00s\n"
    )


def test_a_command_that_is_cut_off_leaves_its_steps(screened: Screened) -> None:
    assert screened(BEGUN).endswith(
        "run web (command 2 of 3)\n"
        "  because service down: its process is gone\n"
        "  [1/2] start_service … done 0.10s (pid 4711 on port …)\n"
        "  [2/2] check_health … not finished\n"
    )


def test_a_dumb_terminal_has_plain_lines_that_fit(screened: Screened) -> None:
    assert screened([*BEGUN, *DONE], term="dumb") == (
        "run web (command 2 of 3)\n"
        "  because service down: its process is gone\n"
        "  [1/2] start_service … done 0.10s (pid 4711 on port …)\n"
        "  [2/2] check_health … \n"
        "        port 8080 not open yet\n"
        "  [2/2] check_health … done 8.00s\n"
        "run done in 8.25s\n"
    )


def test_a_pipe_gets_whole_lines(screened: Screened) -> None:
    shown = screened([*BEGUN, *FAILED], terminal=False)

    assert "with a note that has no room on a terminal of sixty columns)\n" in shown
    assert f"  [2/2] check_health … failed: {LONG}\nrun failed in 9.00s\n" in shown


def test_messages_are_wrapped_below_their_head_and_commands_are_not() -> None:
    text = "error: web can't be used:\n  provider.port: this is not a port\nnext: envchart create --file F"

    assert fitted(text, 24) == (
        "error: web can't be\n"
        "       used:\n"
        "  provider.port: this is\n"
        "  not a port\n"
        "next: envchart create --file F"
    )
    assert fitted(text, None) == text


@pytest.mark.parametrize(
    ("width", "shown"),
    [(27, "run: done (the service …)"), (18, "run: done"), (None, "run: done (the service is down)")],
)
def test_a_detail_of_which_only_the_first_word_fits_is_left_out(width: int | None, shown: str) -> None:
    assert step_outcome("run: ", "done", "the service is down", width, "…") == shown
