"""The effect of Ctrl-C, TERM and HUP on a command, and the recorded state."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from environments.cli.exits import conclude
from environments.cli.settings import Settings
from environments.cli.signals import Ended, Interruption
from environments.testing import ScriptedProvider
from statechart.terminal.signals import handled_signals
from tests.cli.conftest import HELLO

ENDLESS = "import time\nprint('waiting', flush=True)\ntime.sleep(60)\n"

# A process that sends itself signals: one when the function FIRST is called, and further ones from
# the end of the function LAST up to the end of the process, whenever another function is called.
STORM = """
import os, signal, sys
from environments.cli.app import main

first, last = sys.argv[1:3]
sys.argv[1:3] = []
seen, storming = set(), False

def profile(frame, event, argument):
    global storming
    code, name = frame.f_code, frame.f_code.co_name
    if event == "call" and name == first and name not in seen:
        seen.add(name)
        os.kill(os.getpid(), signal.SIGINT)
    storming = storming or (event == "return" and name == last)
    if storming and event == "call" and code not in seen and "signal" not in code.co_filename:
        seen.add(code)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)

sys.setprofile(profile)
sys.exit(main())
"""

pytestmark = pytest.mark.usefixtures("hangups_heeded")


@pytest.fixture(autouse=True)
def _handlers_as_they_were() -> Iterator[None]:
    with handled_signals(own_process=False):
        yield


def interruption(told: list[str], at_work: str | None = "demo") -> Interruption:
    return Interruption(told.append, lambda: at_work)


async def kill(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    await asyncio.sleep(0.05)


def test_the_first_ctrl_c_requests_a_stop_after_the_step() -> None:
    told: list[str] = []
    ended = interruption(told)

    async def work() -> str:
        await kill(signal.SIGINT)
        return f"stop wanted: {ended.stop.reason}"

    assert ended.run(work()) == "stop wanted: interrupted by Ctrl-C"
    assert told == ["stopping after this step; press Ctrl-C again to end it now"]


def test_a_second_ctrl_c_ends_the_command_now() -> None:
    ended = interruption([])

    async def work() -> None:
        await kill(signal.SIGINT)
        await kill(signal.SIGINT)
        raise AssertionError("it went on")

    with pytest.raises(Ended) as caught:
        ended.run(work())
    assert (caught.value.exit_code, caught.value.name) == (130, "demo")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_term_and_hup_end_the_command_now(number: signal.Signals) -> None:
    with pytest.raises(Ended) as caught:
        interruption([]).run(kill(number))
    assert caught.value.exit_code == 128 + number


def test_ctrl_c_ends_a_waiting_command_at_once() -> None:
    ended = interruption([], at_work=None)

    with pytest.raises(Ended) as caught:
        ended.run(kill(signal.SIGINT))
    assert caught.value.name is None
    assert ended.stop.reason is None


def test_ctrl_c_lets_a_command_finish_its_step_that_begins_as_the_signal_comes() -> None:
    at_work: list[str] = []
    told: list[str] = []
    ended = Interruption(told.append, lambda: at_work[0] if at_work else None)

    async def work() -> str | None:
        os.kill(os.getpid(), signal.SIGINT)
        at_work.append("demo")  # before the loop's next turn
        await asyncio.sleep(0.05)
        return ended.stop.reason

    assert ended.run(work()) == "interrupted by Ctrl-C"
    assert told == ["stopping after this step; press Ctrl-C again to end it now"]


def test_a_stop_between_two_steps_is_reported_with_its_place(
    created: Any, make_command: Any, provider: ScriptedProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = interruption([])
    provider.at_step = lambda _step, _context: signal.raise_signal(signal.SIGINT)

    with pytest.raises(Ended) as caught:
        ended.run(make_command("provision", stop=ended.stop).execute("demo"))
    assert provider.done == ["first_provision"]
    assert conclude(caught.value, Settings()) == 130
    assert (
        "provision of 'demo' failed at second_provision: stopped before this step"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("words", "first", "last", "code", "out", "err"),
    [
        ("show hello", "show", "let_finish", 130, "", "error: ended by SIGINT; no environment was changed"),
        ("list", "write", "let_finish", 130, "", "error: ended by SIGINT; no environment was changed"),
        ("create new --app .", "write", "let_finish", 130, "", "error: ended by SIGINT: new is created"),
        ("provision hello", "begin", "let_finish", 130, "", "stopped before this step"),
        ("provision hello", "", "let_finish", 0, "hello is provisioned", "next: envchart configure hello"),
    ],
    ids=["reading", "read", "created", "stopped", "succeeded"],
)
def test_signals_change_nothing_once_the_end_is_decided(
    hello: str, data: Path, words: str, first: str, last: str, code: int, out: str, err: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STORM, first, last, *words.split()],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "ENVCHART_DATA_DIR": str(data)},
        cwd=HELLO,
    )

    assert done.returncode == code, done.stderr
    assert out in done.stdout
    assert err in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_before_a_command_reports_that_nothing_was_changed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert conclude(KeyboardInterrupt(), Settings()) == 130
    assert conclude(Ended(signal.SIGTERM), Settings()) == 143
    assert capsys.readouterr().err.count("no environment was changed") == 2


def test_a_created_environment_is_named_though_no_command_of_it_had_begun(
    cli: Any, hello: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(changing=hello, chosen_data_dir=data)

    assert conclude(Ended(signal.SIGTERM), settings) == 143
    assert "error: ended by SIGTERM: hello is created" in capsys.readouterr().err


def test_a_signal_that_the_parent_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        interruption([]).run(kill(signal.SIGHUP))
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_cancellation_without_a_signal_propagates() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        interruption([]).run(work())


@pytest.fixture
def waiting(process: Any, data: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that waits for its app to get healthy, which never happens."""
    app = tmp_path / "endless"
    app.mkdir()
    (app / "app.py").write_text(ENDLESS)
    file = tmp_path / "web.yaml"
    file.write_text("name: web\nprovider: {kind: local, app: endless, start_timeout: 600}\n")
    assert process("up", "--file", file, "--to", "released").code == 0
    words = [sys.executable, "-m", "environments", "--data-dir", str(data), "run", "web"]
    running = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert running.stderr is not None
    seen = ""
    while "check_health" not in seen:
        seen += running.stderr.read(1)
    yield running
    running.kill()
    running.communicate()
    assert process("destroy", "web", "--yes").code == 0


@pytest.mark.parametrize(
    "numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM,)], ids=["Ctrl-C twice", "TERM"]
)
def test_an_ended_command_is_reported_and_leaves_a_true_state(
    waiting: subprocess.Popen[str], process: Any, numbers: tuple[signal.Signals, ...]
) -> None:
    assert waiting.stderr is not None
    for number in numbers[:-1]:
        waiting.send_signal(number)
        heard = ""
        while "press Ctrl-C again" not in heard:  # two that come at once would be one
            character = waiting.stderr.read(1)
            assert character, heard
            heard += character
    waiting.send_signal(numbers[-1])

    _, said = waiting.communicate(timeout=60)

    assert waiting.returncode == 128 + numbers[-1]
    assert f"error: ended by {numbers[-1].name}: web is run_failed (failed at: check_health)" in said
    assert "next: envchart retry web" in said
    assert process("show", "web", "--json").document["failure"]["cause"] == "cancelled"


def test_a_killed_command_is_shown_as_interrupted(waiting: subprocess.Popen[str], process: Any) -> None:
    waiting.kill()
    waiting.wait()

    shown = process("show", "web")

    assert "web: released (run interrupted at step check_health)" in shown.out
    assert "is gone" in shown.out
    assert process("run", "web").code == 9
