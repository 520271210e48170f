"""A command is run after each transition, and never changes what happens to the environment."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from environments import (
    AnyEnvironment,
    CommandFailed,
    EnvironmentRepository,
    EnvironmentSpec,
    Event,
    FileRepository,
    LocalProvider,
    Noticed,
    OnTransition,
    Progress,
    SecretRef,
    StopRequest,
    Transitioned,
    Workspace,
)
from environments.events.document import event_document
from environments.system.waiting import until
from environments.testing import FixedClock, ScriptedProvider, ScriptedSpec

HELLO = Path(__file__).parents[2] / "examples" / "hello"


@pytest.fixture
def repository(tmp_path: Path) -> EnvironmentRepository:
    return FileRepository(tmp_path / "data")


@pytest.fixture
def open_workspace(
    repository: EnvironmentRepository, clock: FixedClock, told: list[Progress]
) -> Callable[[OnTransition], Workspace]:
    def opened(notifier: OnTransition) -> Workspace:
        return Workspace(repository=repository, clock=clock, observers=[notifier, told.append])

    return opened


def spec(name: str) -> EnvironmentSpec:
    return EnvironmentSpec(name=name, provider=ScriptedSpec())


def noticed(told: list[Progress]) -> list[str]:
    return [each.message for each in told if isinstance(each, Noticed)]


def kept(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_the_command_gets_each_transition_as_events_tell_it(
    open_workspace: Callable[[OnTransition], Workspace], told: list[Progress], tmp_path: Path
) -> None:
    workspace = open_workspace(OnTransition("sh -c 'cat >> told'", directory=tmp_path))
    for name in ("a", "b"):
        workspace.create(spec(name))
    await asyncio.gather(*(workspace.bring(name) for name in ("a", "b")))
    with (
        ScriptedProvider(fails={"first_configure": [OSError("no space")]}).installed(),
        pytest.raises(CommandFailed),
    ):
        await workspace.configure("a")
    await workspace.destroy("b")

    events = [
        event_document(event.name, event.lineage, event.entry)
        async for event in workspace.events()
        if isinstance(event, Event) and event.entry.record.type == "transition"
    ]
    assert noticed(told) == []
    for name in ("a", "b"):  # in order in each environment
        assert [each for each in kept(tmp_path / "told") if each["name"] == name] == [
            each for each in events if each["name"] == name
        ]
    failed = next(each for each in events if each["to_state"] == "configure_failed")
    assert (failed["is_error"], failed["failure"]["step"]) == (True, "first_configure")


async def test_recovery_and_drift_are_told_and_a_dry_run_is_not(
    open_workspace: Callable[[OnTransition], Workspace],
    repository: EnvironmentRepository,
    clock: FixedClock,
    crash: Callable[..., AnyEnvironment],
    tmp_path: Path,
) -> None:
    workspace = open_workspace(OnTransition(["sh", "-c", "cat >> told"], directory=tmp_path))
    workspace.create(spec("demo"))
    crash("provision", "provisioning")

    await workspace.recover("demo", dry_run=True)
    assert not (tmp_path / "told").exists()
    await workspace.recover("demo")
    assert [each["to_state"] for each in kept(tmp_path / "told")] == ["provision_failed"]

    await workspace.bring("demo")
    (tmp_path / "told").unlink()
    with ScriptedProvider().installed():  # in which nothing runs
        await workspace.drift("demo", apply=True)
    assert [each["to_state"] for each in kept(tmp_path / "told")] == ["run_failed"]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("sh -c 'echo no route >&2; exit 3'", "ended with exit code 3: no route"),
        ("sh -c 'kill -9 $$'", "was killed by signal 9"),
        ("./missing.sh", "can't be started: No such file or directory"),
        ("sh -c 'echo $$ >> group; sleep 600 & sleep 600'", "took longer than 0.2 s, and was killed"),
    ],
    ids=["fails", "dies", "missing", "hangs"],
)
async def test_a_failure_is_one_notice_and_changes_nothing(
    open_workspace: Callable[[OnTransition], Workspace],
    told: list[Progress],
    tmp_path: Path,
    command: str,
    problem: str,
) -> None:
    timeout = timedelta(seconds=0.2 if "sleep" in command else 60)
    workspace = open_workspace(OnTransition(command, directory=tmp_path, timeout=timeout))
    workspace.create(spec("a"))

    running = await workspace.bring("a")

    assert running.state.name == "running"
    assert len(noticed(told)) == 1
    assert problem in noticed(told)[0]
    assert await until(lambda: not any(map(lives, groups(tmp_path))), within=30)


def groups(directory: Path) -> list[int]:
    """Return the process groups that the runs have noted, if they came so far."""
    file = directory / "group"
    return [int(pid) for pid in file.read_text().split()] if file.exists() else []


def lives(group: int) -> bool:
    """Return whether a process of a group runs; one that nobody has collected does not."""
    members = []
    for process in psutil.process_iter(["status"]):
        with suppress(ProcessLookupError):
            if os.getpgid(process.pid) == group and process.info["status"] != psutil.STATUS_ZOMBIE:
                members.append(process)
    return bool(members)


async def test_the_command_inherits_neither_secrets_nor_the_lock(
    open_workspace: Callable[[OnTransition], Workspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_OF_THE_APP", "hunter2-hunter2")
    monkeypatch.setenv("OF_EVERYBODY", "yes")
    script = "env > variables; ls -l /proc/self/fd > files; cat > told"
    notifier = OnTransition(["sh", "-c", script], directory=tmp_path, variables={"MORE": "1"})
    workspace = open_workspace(notifier)
    provider = LocalProvider(app=HELLO, env={"TOKEN": SecretRef(env="TOKEN_OF_THE_APP")})
    workspace.create(EnvironmentSpec(name="a", provider=provider))

    await workspace.provision("a")
    await workspace.destroy("a")

    variables = (tmp_path / "variables").read_text()
    assert "hunter2" not in variables + (tmp_path / "told").read_text()
    assert {"OF_EVERYBODY=yes", "MORE=1"} <= set(variables.splitlines())
    files = (tmp_path / "files").read_text()
    assert ".lock" not in files
    assert "history.jsonl" not in files


async def test_the_environment_is_free_while_the_command_still_runs(
    open_workspace: Callable[[OnTransition], Workspace], repository: EnvironmentRepository, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "wait")
    command = "sh -c 'echo $$ > group; read word < wait'"
    workspace = open_workspace(OnTransition(command, directory=tmp_path, timeout=timedelta(seconds=60)))
    workspace.create(spec("a"))

    work = asyncio.ensure_future(workspace.destroy("a"))
    assert await until(lambda: str(workspace.load("a").state.name) == "destroyed", within=30)
    assert await until(lambda: workspace.holder("a") is None, within=30)
    assert await until(lambda: groups(tmp_path), within=30)
    assert not work.done()
    work.cancel()

    with pytest.raises(asyncio.CancelledError):
        await work
    assert not any(map(lives, groups(tmp_path)))


async def test_a_stop_request_ends_the_wait_and_the_run(
    repository: EnvironmentRepository, tmp_path: Path
) -> None:
    stop = StopRequest()
    notifier = OnTransition("sh -c 'echo $$ > group; sleep 600'", directory=tmp_path)
    workspace = Workspace(repository=repository, observers=[notifier], stop=stop)
    workspace.create(spec("a"))
    work = asyncio.ensure_future(workspace.destroy("a"))
    assert await until(lambda: groups(tmp_path) and workspace.holder("a") is None, within=30)
    await asyncio.sleep(0)

    stop.request("closing time")

    assert (await work).state.name == "destroyed"
    assert not any(map(lives, groups(tmp_path)))


async def test_transitions_are_told_inside_of_their_command(
    open_workspace: Callable[[OnTransition], Workspace], told: list[Progress]
) -> None:
    workspace = open_workspace(OnTransition("true"))
    await workspace.provision(workspace.create(spec("a")))

    names = [type(each).__name__ for each in told]
    assert names[:2] == ["CommandStarted", "Transitioned"]
    assert names[-2:] == ["Transitioned", "CommandEnded"]
    transitions = [each for each in told if isinstance(each, Transitioned)]
    assert [each.entry for each in transitions] == [
        entry for entry in workspace.history("a") if entry.record.type == "transition"
    ]
    assert {str(each.command) for each in transitions} == {"provision"}


@pytest.mark.parametrize("command", ["", [], "say 'hello"], ids=["empty", "no-words", "open-quotes"])
def test_a_command_that_can_t_be_meant_is_refused(command: str | list[str]) -> None:
    with pytest.raises(ValueError, match=r"empty|quotation"):
        OnTransition(command)
