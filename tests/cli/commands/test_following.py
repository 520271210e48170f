"""`wait` and `watch` on the command line."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from environments.cli.commands import following
from environments.cli.terminal.narrator import Narrator
from environments.errors import CommandFailed
from environments.execution.progress import StepStarted
from environments.following import attendance
from environments.model.steps import StepContext
from environments.storage.file import FileRepository
from environments.system.waiting import block_until
from environments.testing import ScriptedProvider
from environments.workspace import Workspace


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--for", "created"), 0, "waiting for demo to be created … reached after"),
        (("--for", "running, created"), 0, "waiting for demo to be running or created"),
        (("--for", "provisioned", "--timeout", "0"), 8, "error: 'demo' did not become provisioned within"),
        (("--for", "runing"), 2, "did you mean 'running'?"),
        (("--for", " ,"), 2, "next: envchart wait demo --for running"),
        (("--for", "created", "--timeout", "inf"), 0, "reached after"),
        (("--for", "created", "--timeout", "1e300"), 0, "reached after"),
        (("--for", "running", "--timeout", "-1"), 2, "'-1' is not a number of at least 0"),
        ((), 2, "Missing option '--for'"),
    ],
    ids=lambda value: "_".join(value).replace(" ", "") if isinstance(value, tuple) else "",
)
def test_a_wait_ends_with_the_code_of_its_outcome(
    cli: Any, created: Any, words: tuple[str, ...], code: int, said: str
) -> None:
    ran = cli("wait", "demo", *words)

    assert ran.code == code
    assert said in ran.err


def test_a_wait_tells_what_was_reached(cli: Any, created: Any, scripted_provider: ScriptedProvider) -> None:
    assert cli("wait", "demo", "--for", "created").out == "demo is created\n"
    assert cli("wait", "demo", "--for", "created", "--json").document["state"] == "created"
    cli("destroy", "demo", "--yes")

    too_late = cli("wait", "demo", "--for", "running,created", "--json")
    cli("purge", "demo", "--yes")

    assert (too_late.code, too_late.error["code"]) == (4, "state_unreachable")
    assert too_late.error["message"] == "'demo' is destroyed, and can't become running or created any more"
    assert cli("wait", "demo", "--for", "gone").out == "demo is gone\n"
    assert cli("wait", "demo", "--for", "gone", "--json").document == {"name": "demo", "state": None}
    assert cli("wait", "demo", "--for", "running").code == 3


def test_nothing_under_way_is_said_at_once(cli: Any, created: Any) -> None:
    assert cli("watch", "demo").out == "demo is created; no command is under way\n"
    assert cli("watch", "demo", "--json").document == {"event": "idle", "name": "demo", "state": "created"}
    assert cli("watch", "other").code == 3


@pytest.fixture
def at_work(
    created: Any,
    repository: FileRepository,
    scripted_provider: ScriptedProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[], None]]:
    """A provision of demo in another thread, whose last step waits for the returned function."""
    monkeypatch.setattr(attendance, "_BETWEEN", 0.0)
    go_on = threading.Event()

    def hold(step: str, _context: StepContext) -> None:
        if step == "second_provision":
            assert go_on.wait(60)

    scripted_provider.at_step = hold
    workspace = Workspace(repository=repository)

    def work() -> None:
        with suppress(CommandFailed):  # the watcher tells it
            asyncio.run(workspace.provision("demo"))

    thread = threading.Thread(target=work)
    thread.start()
    assert block_until(lambda: "second_provision" in repr(repository.load("demo").operation), within=60)
    yield go_on.set
    go_on.set()
    thread.join()


def test_the_progress_of_another_process_is_shown(
    cli: Any, at_work: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    show = Narrator.__call__

    def shown(narrator: Narrator, progress: Any) -> None:
        show(narrator, progress)
        if isinstance(progress, StepStarted):
            at_work()

    monkeypatch.setattr(Narrator, "__call__", shown)

    ran = cli("watch", "demo")

    assert (ran.code, ran.out) == (0, "demo is provisioned\n")
    assert "provision demo\n  [1/2] first_provision … done" in ran.err
    assert "  [2/2] second_provision … done" in ran.err


def test_a_wait_that_ends_within_a_command_says_that_it_is_under_way(
    cli: Any, at_work: Callable[[], None]
) -> None:
    reached = cli("wait", "demo", "--for", "provisioning")

    assert reached.out == "demo is provisioning (provision under way: step second_provision)\n"
    assert "recover" not in reached.err
    assert "provision under way at step second_provision" in cli("diagram", "--of", "demo").out


@pytest.mark.parametrize("fails", [False, True])
def test_with_json_each_event_is_a_line(
    cli: Any,
    at_work: Callable[[], None],
    scripted_provider: ScriptedProvider,
    monkeypatch: pytest.MonkeyPatch,
    fails: bool,
) -> None:
    scripted_provider.fails["second_provision"] = [OSError("no route to host")] if fails else []
    write = following._write_line

    def written(document: dict[str, object]) -> None:
        write(document)
        if document["event"] == "step_started":
            at_work()

    monkeypatch.setattr(following, "_write_line", written)

    ran = cli("watch", "demo", "--json")

    lines = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == (6 if fails else 0)
    assert [line["event"] for line in lines] == [
        "command_started",
        "step_finished",
        "step_started",
        "step_attempt_failed" if fails else "step_finished",
        "command_ended",
    ]
    assert lines[2] | {"elapsed": 0} == {
        "event": "step_started",
        "name": "demo",
        "command": "provision",
        "step": "second_provision",
        "number": 2,
        "of": 2,
        "attempt": 1,
        "timeout": None,
        "elapsed": 0,
    }
    assert lines[-1]["state"] == ("provision_failed" if fails else "provisioned")
    assert (lines[-1]["failure"] is not None) == fails
