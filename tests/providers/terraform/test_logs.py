"""Service logs that are collected from a host: complete, without secrets, and limited."""

from __future__ import annotations

import base64
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from environments import CommandFailed, StepFailed
from environments.providers.terraform.remote.collected_log import _LIMIT, CollectedLog, last_lines
from environments.providers.terraform.remote.host import HostDirectory
from environments.system.files import OwnPath, read_own, write_private
from tests.providers.terraform.conftest import APP, Project
from tests.providers.terraform.test_service import released

SECRET = "hunter2-is-secret"
TALKING = f"""
import base64, os, sys
secret = os.environ["PASSWORD"]
print("I know", secret, base64.b64encode(secret.encode()).decode(), flush=True)
sys.stdout.buffer.write(b"caf\\xe9\\n")
sys.stdout.flush()
{APP}
"""
FAILING = (
    "import os; print('my secret is', os.environ['PASSWORD'], flush=True); raise SystemExit('no database')"
)


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", SECRET)


async def talking(project: Project, app: str = TALKING) -> None:
    await released(project, app, service=project.service(env={"PASSWORD": {"env": "PASSWORD"}}))


def told(project: Project, command: str = "logs") -> subprocess.CompletedProcess[str]:
    return subprocess.run(project.command(command, "web"), capture_output=True, text=True, check=True)


@contextmanager
def following(project: Project) -> Iterator[tuple[IO[str], IO[str]]]:
    """Follow the log, and yield readers of the output and the notes."""
    words = project.command("logs", "web", "--follow")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        yield process.stdout, process.stderr
    finally:
        process.kill()
        process.communicate()


def kept(project: Project) -> list[Path]:
    """Return the stored files that hold the secret in any encoding."""
    forms = (SECRET.encode(), base64.b64encode(SECRET.encode())[:-4])
    files = [path for path in project.data.rglob("*") if path.is_file()]
    return [path for path in files if any(form in path.read_bytes() for form in forms)]


async def test_logs_are_shown_without_secrets(project: Project) -> None:
    await talking(project)
    assert "no service of it has said anything" in told(project).stderr
    await project.workspace.run("web")

    ran = told(project)
    assert ran.returncode == 0
    assert ran.stdout.startswith("I know *** ***")
    assert r"caf\xe9" in ran.stdout.splitlines()
    assert kept(project) == []
    log = project.data / "web" / "build" / "service.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert told(project).stdout.count("I know") == 1, "it is not fetched twice"
    await project.workspace.destroy("web")


async def test_logs_of_an_unreachable_host_come_from_the_last_collection(project: Project) -> None:
    await talking(project)
    await project.workspace.run("web")
    before = told(project).stdout
    project.sshd.stop()

    ran = told(project)
    assert (ran.returncode, ran.stdout) == (0, before)
    assert "shown is what was collected before: " in ran.stderr
    assert "can't be reached: connection refused" in ran.stderr
    project.sshd.start()
    await project.workspace.destroy("web")


async def test_the_last_lines_of_a_failed_service_are_stored(project: Project) -> None:
    await talking(project, FAILING)
    with pytest.raises(CommandFailed) as caught:
        await project.workspace.run("web")
    assert caught.value.failure.summary.endswith("it said last: no database")
    project.sshd.stop()

    assert "my secret is ***" in told(project, "why").stdout
    assert kept(project) == []
    project.sshd.start()
    await project.workspace.destroy("web")


async def test_following_a_log_continues_after_an_outage(project: Project) -> None:
    await talking(project)
    await project.workspace.run("web")
    log = project.directory / "opt" / "envchart-web" / "service.log"
    with following(project) as (output, notes):
        assert output.readline().startswith("I know *** ***")
        project.sshd.stop()
        assert "can't be reached" in notes.readline()
        project.sshd.start()
        log.write_text(f"{log.read_text(errors='replace')}back again\n")
        assert "back again\n" in iter(output.readline, "")
    await project.workspace.destroy("web")


@pytest.fixture
def collected(tmp_path: Path) -> CollectedLog:
    (tmp_path / "build").mkdir()
    return CollectedLog(OwnPath(tmp_path) / "build")


@pytest.fixture
def say(host: HostDirectory) -> Callable[[bytes], None]:
    """Return a function that appends to the log of a host."""
    Path(host.root).mkdir(parents=True)

    def added(text: bytes) -> None:
        with (Path(host.root) / "service.log").open("ab") as file:
            file.write(text)

    return added


async def test_a_collected_log_is_limited_and_notes_omitted_bytes(
    host: HostDirectory, collected: CollectedLog, say: Callable[[bytes], None]
) -> None:
    line = b"x" * 99 + b"\n"
    for _ in range(4):
        say(line * (2 * _LIMIT // 100))
        await collected.collect(host, str)

    texts = [path.read_text() for path in collected.files()]
    assert [len(text) <= _LIMIT + 100 for text in texts] == [True, True]
    assert "bytes before this were left out]\n" in texts[-1]


async def test_no_half_of_a_secret_written_in_two_parts_is_stored(
    host: HostDirectory, collected: CollectedLog, say: Callable[[bytes], None]
) -> None:
    def redact(text: str) -> str:
        return text.replace(SECRET, "***")

    say(f"I know {SECRET[:8]}".encode())
    await collected.collect(host, redact)
    assert collected.files() == []
    say(f"{SECRET[8:]}\n".encode())
    await collected.collect(host, redact)
    assert read_own(collected.log).decode() == "I know ***\n"


async def test_control_codes_are_stripped_from_collected_and_last_lines(
    host: HostDirectory, collected: CollectedLog, say: Callable[[bytes], None]
) -> None:
    say("one\x1bc\x1b[2J \x9b2Jtwo\x1b]0;title\x07\n\tthree\x85\r\n".encode())
    await collected.collect(host, str)

    assert read_own(collected.log).decode() == "one two\n\tthree\n"
    assert await last_lines(host, None, str) == "one two\n\tthree"


@pytest.mark.parametrize("written", [f"{SECRET[:4]}\x1b[1m{SECRET[4:]}", f"{SECRET}\x1b[0m"])
async def test_control_codes_do_not_hide_a_secret(
    written: str, host: HostDirectory, collected: CollectedLog, say: Callable[[bytes], None]
) -> None:
    say(f"I know {written}\n".encode())
    await collected.collect(host, lambda text: text.replace(SECRET, "***"))

    assert read_own(collected.log).decode() == "I know ***\n"


async def test_a_secret_with_control_codes_is_redacted(
    host: HostDirectory, collected: CollectedLog, say: Callable[[bytes], None]
) -> None:
    say(b"I know hun\x01ter2\n")
    await collected.collect(host, lambda text: text.replace("hun\x01ter2", "***"))

    assert read_own(collected.log).decode() == "I know ***\n"


async def test_a_failed_collection_leaves_the_log_unchanged(
    host: HostDirectory, collected: CollectedLog, say: Callable[[bytes], None]
) -> None:
    say(b"one\n")
    await collected.collect(host, str)
    write_private(collected.build / "collected.json", "torn {")
    with pytest.raises(StepFailed, match="not a directory"):
        await collected.collect(replace(host, root=f"{host.root}/service.log"), str)
    assert read_own(collected.log).decode() == "one\n"


async def test_only_one_process_at_a_time_collects_a_log(
    host: HostDirectory, collected: CollectedLog, say: Callable[[bytes], None]
) -> None:
    say(b"one\n")
    with collected._locked() as locked:
        assert locked
        await collected.collect(host, str)
    assert collected.files() == []
    await collected.collect(host, str)
    assert read_own(collected.log).decode() == "one\n"
