"""Tools that a step runs: their output, their end, and the absence of remains."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from environments.errors import StepFailed
from environments.model.environment import Environment
from environments.model.failure import FailureCause
from environments.model.operation import ToolProcess
from environments.model.spec import EnvironmentSpec
from environments.model.steps import StepContext
from environments.providers.common.tools import Tool, run_tool
from environments.system import processes
from environments.system.clock import SystemClock
from environments.testing import ScriptedSpec, in_child
from tests.operations import own

LONG = "import time; print('up', flush=True); time.sleep(60)"


@pytest.fixture
def started() -> list[ToolProcess]:
    return []


@pytest.fixture
def context(tmp_path: Path, started: list[ToolProcess]) -> StepContext:
    spec = EnvironmentSpec(name="demo", provider=ScriptedSpec())
    return StepContext(
        environment=Environment.new(spec, SystemClock().now()),
        operation_id=own("op"),
        directory=tmp_path,
        report=lambda _message: None,
        step="apply",
        started=started.append,
        redact=lambda text: text.replace("hunter2", "***"),
    )


def python(program: str, **options: object) -> Tool:
    return Tool(command=(sys.executable, "-c", program), grace=timedelta(seconds=1), **options)  # type: ignore[arg-type]


def left(context: StepContext) -> list[object]:
    return list(processes.marked({"ENVCHART_OPERATION": context.operation_id}))


async def test_lines_are_passed_on_and_the_last_lines_returned(context: StepContext) -> None:
    told: list[str] = []
    program = "import sys; print('one'); print('two', file=sys.stderr); print('three', end='')"

    tail = await run_tool(context, python(program, on_line=told.append))

    assert sorted(told) == sorted(tail) == ["one", "three", "two"]


async def test_a_tool_is_recorded_as_the_leader_of_its_group_and_session(
    context: StepContext, started: list[ToolProcess]
) -> None:
    (tail,) = await run_tool(context, python("import os; print(os.getpid(), os.getpgid(0), os.getsid(0))"))

    (recorded,) = started
    assert tail == f"{recorded.pid} {recorded.pid} {recorded.pid}"
    assert recorded.started is not None
    assert recorded.program.startswith("python")


async def test_a_tool_carries_the_marks_of_its_step_and_has_no_input(context: StepContext) -> None:
    program = (
        "import os, sys; e = os.environ;"
        "print(e['ENVCHART_OPERATION'], e['ENVCHART_STEP'], sys.stdin.read() == '')"
    )

    assert await run_tool(context, python(program)) == (f"{context.operation_id} apply True",)


async def test_a_failure_names_the_exit_code_and_the_last_line(context: StepContext) -> None:
    with pytest.raises(StepFailed) as failed:
        await run_tool(
            context, python("print('first', 'no such host', '╵', sep='\\n'); raise SystemExit(3)")
        )

    assert failed.value.cause is FailureCause.COMMAND_EXECUTION
    assert failed.value.summary.endswith("ended with exit code 3: no such host")
    assert failed.value.detail == "first\nno such host\n╵"


async def test_the_failure_of_a_killed_tool_names_the_signal(context: StepContext) -> None:
    with pytest.raises(StepFailed, match="was killed by SIGKILL, and printed nothing"):
        await run_tool(context, python("import os; os.kill(os.getpid(), 9)"))


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        (Tool(command=("no-such-program",)), "no-such-program can't be started: no such file or directory"),
        (
            Tool(command=("sh",), cwd=Path("/no/such/place")),
            "/no/such/place can't be started: no such file",
        ),
    ],
)
async def test_a_tool_that_can_not_be_started_is_named(context: StepContext, tool: Tool, said: str) -> None:
    with pytest.raises(StepFailed, match=said):
        await run_tool(context, tool)


async def test_secrets_are_kept_out_of_lines_and_failures(context: StepContext) -> None:
    told: list[str] = []

    with pytest.raises(StepFailed) as failed:
        await run_tool(
            context, python("print('the password is hunter2'); raise SystemExit(1)", on_line=told.append)
        )

    assert told == ["the password is ***"]
    assert "hunter2" not in failed.value.summary + failed.value.detail


CODES = "a\x1b[1mb\x1b[0m\x1b]0;title\x07c\x9b2J\x1bcd\be\x85f"


async def test_control_codes_are_removed_before_secrets_are_looked_for(context: StepContext) -> None:
    told: list[str] = []
    program = f"print({CODES!r}); print('hun\\x1b[1mter2'); raise SystemExit(1)"

    with pytest.raises(StepFailed) as failed:
        await run_tool(context, python(program, on_line=told.append))

    assert told == ["abcdef", "***"]
    assert failed.value.summary.endswith("ended with exit code 1: ***")
    assert failed.value.detail == "abcdef\n***"


async def test_invalid_bytes_are_escaped_and_endless_lines_are_cut(
    context: StepContext,
) -> None:
    program = "import sys; sys.stdout.buffer.write(b'a\\xffb\\n' + b'x' * 100_000 + b'\\nend\\n')"

    tail = await run_tool(context, python(program))

    assert (tail[0], tail[-1]) == ("a\\xffb", "end")
    assert max(map(len, tail)) <= 4096


STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {LONG}"
DAEMON = (
    "import subprocess, sys, time;"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True);"
    "print('up', flush=True); time.sleep(60)"
)


@pytest.mark.parametrize(
    "program", [LONG, STUBBORN, DAEMON], ids=["polite", "stubborn", "with a session more"]
)
async def test_a_cancelled_step_leaves_no_process(context: StepContext, program: str) -> None:
    up = asyncio.Event()
    running = asyncio.ensure_future(run_tool(context, python(program, on_line=lambda _line: up.set())))
    await up.wait()

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert left(context) == []


async def test_a_second_cancellation_does_not_wait_for_the_grace(context: StepContext) -> None:
    up = asyncio.Event()
    tool = Tool(
        command=(sys.executable, "-c", STUBBORN), grace=timedelta(minutes=5), on_line=lambda _line: up.set()
    )
    running = asyncio.ensure_future(run_tool(context, tool))
    await up.wait()

    running.cancel()
    await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 30)

    assert left(context) == []


async def test_a_tool_that_can_not_be_recorded_is_ended(
    context: StepContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_process: ToolProcess) -> None:
        raise OSError("the disk is full")

    object.__setattr__(context, "started", full)

    with pytest.raises(OSError, match="the disk is full"):
        await run_tool(context, python(LONG))

    assert left(context) == []


async def test_a_daemon_that_keeps_the_output_open_is_not_waited_for(context: StepContext) -> None:
    program = (
        "import subprocess, sys;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); print(child.pid)"
    )

    (pid,) = await asyncio.wait_for(run_tool(context, python(program)), 60)

    os.kill(int(pid), signal.SIGKILL)


async def test_a_tool_survives_the_end_of_its_controller_and_finishes_its_work(
    context: StepContext, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    program = (
        "import time; print('up', flush=True); time.sleep(0.5);"
        f"[print('x' * 1000) for _ in range(500)]; print('down', flush=True); open({str(done)!r}, 'w')"
    )

    def die(_line: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    assert await in_child(run_tool(context, python(program, on_line=die))) == -signal.SIGKILL

    deadline = time.monotonic() + 60
    while left(context) and time.monotonic() < deadline:
        time.sleep(0.05)  # noqa: ASYNC251  nothing else is to run
    assert done.exists()


async def test_a_requested_stop_signals_only_the_tool_and_the_failure_says_so(
    context: StepContext,
) -> None:
    program = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGINT, lambda *_: (print('keeping my state', flush=True), sys.exit(1)))\n"
        "print('up', flush=True); time.sleep(60)"
    )
    told: list[str] = []
    stopping = replace(context, stopping=lambda: "up" in told)

    with pytest.raises(StepFailed, match=r"asked to end: .*keeping my state") as caught:
        await run_tool(stopping, python(program, on_line=told.append, on_stop=signal.SIGINT))

    assert caught.value.cause is FailureCause.CANCELLED
    assert left(context) == []


def test_the_name_of_a_tool_is_its_file_name() -> None:
    names: Callable[[str], str] = lambda path: Tool(command=(path,)).name  # noqa: E731  one line says it
    assert (names("/usr/bin/terraform"), names("tofu")) == ("terraform", "tofu")


async def test_a_tool_does_not_inherit_the_url_of_the_store(
    context: StepContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCHART_STORE", "postgresql://deploy:hunter2@db/envs")

    lines = await run_tool(context, python("import os; print(os.environ.get('ENVCHART_STORE'))"))

    assert lines == ("None",)
