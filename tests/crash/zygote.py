"""Zygote: a process that has loaded everything, and forks a child for each job that it is given.

A job is a line of JSON on stdin, its outcome one on stdout. The child runs one command on a copy of a
place, with the layer below Python armed; another child then looks at what is left, as a person would
who comes back: reads, recovers, goes on, and takes everything down.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tests.crash.staged  # noqa: F401  registers its kind
from environments.environment import AnyEnvironment
from environments.errors import CommandFailed, EnvironmentsError, OperationInterrupted
from environments.records import StepRecord
from environments.spec import EnvironmentSpec
from environments.states import EnvironmentState
from environments.verification import verify
from environments.workspace import Workspace
from statechart.errors import NotFound, StatechartError
from statechart.session import Session
from tests.crash.staged import StagedSpec

NAME = "demo"
EXPECTED = (EnvironmentsError, StatechartError)


def spec(place: Path, description: str = "") -> EnvironmentSpec:
    return EnvironmentSpec(name=NAME, provider=StagedSpec(world=place / "world"), description=description)


async def carry_out(command: str, place: Path) -> None:
    """Do one command in a place; each is named as the command line names it."""
    workspace = Workspace(place / "data")
    match command:
        case "create":
            workspace.create(spec(place))
        case "update":
            await workspace.update(NAME, spec(place, "changed"))
        case "up":
            await workspace.bring(NAME)
        case "purge":
            await workspace.purge(NAME)
        case "recover":
            await workspace.recover(NAME)
        case "break" | "mend":
            broken = place / "world" / "broken"
            broken.touch() if command == "break" else broken.unlink()
        case "fail":
            try:
                await workspace.bring(NAME)
            except CommandFailed:
                return
        case "none":
            return
        case "die":
            die_at_a_step(place)
        case _:
            await getattr(workspace, command)(NAME)


def die_at_a_step(place: Path) -> None:
    """Leave a command as a process that is killed in its first step would."""
    child = os.fork()
    if child == 0:
        os.fsync = lambda _descriptor: os.kill(os.getpid(), 9)  # type: ignore[assignment]  # in the effect
        asyncio.run(Workspace(place / "data").bring(NAME))
    os.waitpid(child, 0)


def told(history: Any) -> list[str]:
    """Return a history in words that don't depend on when it happened."""
    words = []
    for entry in history:
        record = entry.record
        what = getattr(record, "event", None) or getattr(record, "change", None) or ""
        step = f"{record.phase} {record.step}" if isinstance(record, StepRecord) else ""
        state = "" if step else record.environment.state.name
        words.append(" ".join(filter(None, (record.type, what, step, state))))
    return words


def run(job: dict[str, Any], place: Path, acknowledge: Callable[[str], None]) -> None:
    """Carry out the job's command, telling what is acknowledged, with the layer armed."""
    layer = ctypes.CDLL(os.environ["LD_PRELOAD"])
    layer.shim_last.restype = ctypes.c_char_p
    layer.shim_count.restype = ctypes.c_long
    for name in ("commit", "append"):
        setattr(Session, name, _acknowledging(getattr(Session, name), acknowledge))
    outcome = "done"
    layer.shim_arm(
        str(place).encode(), job["action"], job["classes"], ctypes.c_long(job["at"]), job["error"]
    )
    try:
        asyncio.run(carry_out(job["command"], place))
    except EXPECTED as error:
        outcome = f"expected {type(error).__name__}: {error}"
    except BaseException:
        outcome = f"unexpected {traceback.format_exc()}"
    counted, last = layer.shim_count(), layer.shim_last().decode()
    layer.shim_arm(b"/nowhere", 0, 0, ctypes.c_long(0), 0)
    if outcome == "done":
        acknowledge("command")
    acknowledge(f"outcome {json.dumps([outcome, counted, last])}")


def _acknowledging(method: Any, acknowledge: Callable[[str], None]) -> Any:
    def call(session: Any, *args: Any, **options: Any) -> Any:
        result = method(session, *args, **options)
        acknowledge(f"seq {session.head.seq}")
        return result

    return call


def look(job: dict[str, Any], place: Path, said: list[str]) -> list[str]:
    """Return what is wrong with what was left; nothing, if all promises are kept."""
    acknowledged = max((int(word[4:]) for word in said if word.startswith("seq ")), default=0)
    repository = Workspace(place / "data")
    wrong: list[str] = []
    try:
        found = told(repository.history(NAME))
    except NotFound:
        found = []
    gone = not found
    if gone and not (job["command"] == "create" and "command" not in said) and job["command"] != "purge":
        wrong.append("it is not there any more")
    if not gone and job["command"] == "purge" and "command" in said:
        wrong.append("it was purged, and is there again")
    if len(found) < acknowledged:
        wrong.append(f"acknowledged up to {acknowledged}, found {len(found)}")
    if job.get("full") is not None and not gone:
        full = job["full"]
        if found != full[: len(found)] or len(found) < job["before"]:
            wrong.append(
                f"found {found[-3:]} where {full[max(len(found) - 3, 0) : len(found) + 1]} belongs"
            )
    if not wrong:
        wrong += asyncio.run(_come_back(job, place, gone=gone))
    return wrong


async def _come_back(job: dict[str, Any], place: Path, *, gone: bool) -> list[str]:
    """Recover, go on and take everything down; return what did not work."""
    workspace = Workspace(place / "data")
    if gone:
        workspace.create(spec(place))
    verified = verify(workspace._repository, NAME)
    wrong = [f"record {finding.seq}: {finding.what}" for finding in verified.findings]
    wrong += _effects_without_intent(workspace, place)
    again = await _go_on(job, workspace)
    wrong += [] if again in ("done", "recovered") else [f"the same command again: {again}"]
    if not workspace.exists(NAME):
        return wrong
    wrong += _untrue(workspace.load(NAME), place)
    destroyed = workspace.load(NAME)
    if destroyed.state.name is not EnvironmentState.DESTROYED:
        destroyed = await workspace.destroy(NAME)
    files = StagedSpec(world=place / "world").files()
    if files or destroyed.operation is not None:
        wrong.append(f"destroyed, and there is {files}")
    await workspace.purge(NAME)
    return wrong


async def _go_on(job: dict[str, Any], workspace: Workspace) -> str:
    """Do the same again where that makes sense, after recovering if it is asked for."""
    environment = workspace.load(NAME)
    outcome = "done"
    if environment.operation is not None and environment.operation.is_active:
        try:
            await workspace.update(NAME, environment.spec)
        except OperationInterrupted:
            outcome = "recovered"
            await workspace.recover(NAME)
            wrong = _untrue(workspace.load(NAME), Path(str(environment.spec.provider.world)).parent)  # type: ignore[attr-defined]
            if wrong:
                return f"after recovery: {wrong}"
            if (await workspace.recover(NAME)).settled:
                return "there was something to recover twice"
    environment = workspace.load(NAME)
    if environment.teardown_begun or job["command"] in ("purge", "destroy"):
        return outcome
    broken = workspace.directory(NAME).parent.parent / "world" / "broken"
    broken.unlink(missing_ok=True)
    brought = await workspace.bring(NAME)
    return outcome if brought.state.name == "running" else f"{brought}"


def _untrue(environment: AnyEnvironment, place: Path) -> list[str]:
    """Return how a state contradicts the world."""
    files = StagedSpec(world=place / "world").files()
    state = environment.state.name
    wrong = []
    if state is EnvironmentState.DESTROYED and files:
        wrong.append(f"destroyed, with {files}")
    needs = {"provisioned": {"network", "host"}, "configured": {"settings"}, "released": {"bundle"}}
    needs["running"] = {"network", "host", "settings", "bundle", "service"}
    if not environment.teardown_begun and not needs.get(state, set()) <= files:
        wrong.append(f"{state}, with {files}")
    operation = environment.operation
    if operation is not None and not environment.teardown_begun:
        done = {step.name for step in operation.steps_done if step.has_effect}
        wrong += [f"{name} has a result, and is not there" for name in sorted(done - files)]
    return wrong


def _effects_without_intent(workspace: Workspace, place: Path) -> list[str]:
    history = workspace.history(NAME)
    begun = {entry.record.step for entry in history if isinstance(entry.record, StepRecord)}
    there = StagedSpec(world=place / "world").files()
    return [f"{name} is there without an intent" for name in sorted(there - begun)]


def in_child(work: Callable[[Callable[[str], None]], None]) -> tuple[int, list[str]]:
    """Run work in a fork, and return how it ended and the lines that it told."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            work(lambda line: os.write(writing, f"{line}\n".encode()) and None)
        except BaseException:
            os.write(writing, f"wrong {json.dumps(traceback.format_exc())}\n".encode())
        os._exit(0)
    os.close(writing)
    content = b""
    while chunk := os.read(reading, 65536):
        content += chunk
    os.close(reading)
    _, status = os.waitpid(child, 0)
    return status, content.decode().splitlines()


def work_on(job: dict[str, Any]) -> dict[str, Any]:
    """Do a job in a fresh copy of its place, which is always at the same path."""
    place = Path(job["place"])
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(job["template"], place)
    status, said = in_child(lambda tell: run(job, place, tell))
    outcome = next((json.loads(word[8:]) for word in said if word.startswith("outcome ")), None)
    result: dict[str, Any] = {"killed": os.WIFSIGNALED(status), "outcome": outcome}
    if job.get("history"):
        try:
            result["history"] = told(Workspace(place / "data").history(NAME))
        except NotFound:
            result["history"] = []
    if job.get("look"):

        def looking(tell: Callable[[str], None]) -> None:
            for wrong in look(job, place, said):
                tell(f"wrong {json.dumps(wrong)}")

        _, seen = in_child(looking)
        result["wrong"] = [json.loads(word[6:]) for word in seen]
    return result


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        sys.stdout.write(json.dumps(work_on(job)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
