"""Commands and uploads over SSH, and failures of host, network and sudo."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import stat
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from environments import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common import ssh
from environments.providers.terraform.remote.calls import Calls
from environments.providers.terraform.remote.host import HostDirectory
from environments.system.waiting import until
from tests.providers.terraform.conftest import USER, Sshd

SHORT = timedelta(seconds=0.3)


def poor(sshd: Sshd, directory: Path, **programs: str) -> None:
    """Make a host with `env`, `sh` and these programs only."""
    directory.mkdir()
    for name in ("env", "sh"):
        (directory / name).symlink_to(str(shutil.which(name)))
    for name, text in programs.items():
        (directory / name).write_text(f"#!/bin/sh\n{text}\n")
        (directory / name).chmod(0o755)
    sshd.restart(SetEnv=f"HOME={directory} PATH={directory}")  # a .bashrc might add to the path


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # a session's processes end with each other
            process.kill()


async def test_output_that_is_not_text_is_escaped(host: HostDirectory) -> None:
    ran = await host.remote.run(r"printf 'caf\351 \303\251'; printf '\377' >&2")

    assert (ran.stdout, ran.stderr) == (r"caf\xe9 é", r"\xff")


async def test_a_failed_command_is_reported_with_its_last_line(host: HostDirectory) -> None:
    with pytest.raises(StepFailed, match=r"on 127.0.0.1, echo ended with 3: gone wrong") as caught:
        await host.remote.run("echo something; echo gone wrong >&2; exit 3")
    assert caught.value.cause is FailureCause.COMMAND_EXECUTION


async def test_a_command_ended_by_a_signal_is_not_a_lost_connection(host: HostDirectory) -> None:
    with pytest.raises(StepFailed, match="kill was ended by SIGKILL"):
        await host.remote.run("kill -KILL $$")


async def test_a_command_that_times_out_is_reported_as_possibly_still_running(host: HostDirectory) -> None:
    with pytest.raises(StepFailed, match=r"sleep did not end within 0.3 s; it may go on there") as caught:
        await host.remote.run("sleep 20", timeout=SHORT)
    assert caught.value.cause is FailureCause.TIMEOUT
    assert (await host.remote.run("echo still here")).stdout == "still here\n"


async def test_a_lost_connection_is_a_failure(sshd: Sshd, host: HostDirectory) -> None:
    running = asyncio.ensure_future(host.remote.run("sleep 20", check=False))
    await asyncio.sleep(0.3)
    kill(sshd.sessions())

    with pytest.raises(StepFailed, match=r"the connection to 127\.0\.0\.1 was lost") as caught:
        await running
    assert caught.value.cause is FailureCause.NETWORK


@pytest.mark.parametrize("frozen", [False, True], ids=["that answers", "that does not answer any more"])
async def test_cancelling_closes_the_connection(sshd: Sshd, known_hosts: Path, frozen: bool) -> None:
    async def work() -> None:
        async with ssh.connect(sshd.target(known_hosts)) as remote:
            await remote.run("exec sleep 600")

    task = asyncio.ensure_future(work())
    assert await until(lambda: any("sleep" in name for name in sshd.names()), within=60, every=0.02)
    held = sshd.sessions() if frozen else []
    for process in held:
        process.send_signal(signal.SIGSTOP)
    task.cancel()
    try:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 60)
        assert task.cancelled(), "it did not take the whole minute"
    finally:
        kill(held)
    assert not any(connection.raddr for connection in psutil.Process().net_connections("tcp4"))


async def test_a_silent_host_is_detected(sshd: Sshd, known_hosts: Path) -> None:
    async with ssh.connect(sshd.target(known_hosts, keepalive=timedelta(seconds=0.1))) as remote:
        held = sshd.sessions()
        for process in held:
            process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(StepFailed) as caught:
                await asyncio.wait_for(remote.run("true"), 60)
        finally:
            kill(held)
    assert caught.value.cause is FailureCause.NETWORK


async def test_a_missing_key_is_reported_at_once(sshd: Sshd, known_hosts: Path, tmp_path: Path) -> None:
    target = sshd.target(known_hosts, key=tmp_path / "gone")
    with pytest.raises(StepFailed, match="gone is not a file") as caught:
        await ssh.wait_for(target, timedelta(seconds=20))
    assert caught.value.cause is FailureCause.CONFIGURATION


async def test_an_uploaded_file_is_complete_and_private(host: HostDirectory, tmp_path: Path) -> None:
    content, seen = os.urandom(3_000_000), list[tuple[int, int]]()
    (tmp_path / "here").write_bytes(content)
    await host.remote.put(tmp_path / "here", f"{tmp_path}/there", lambda *told: seen.append(told))

    assert (tmp_path / "there").read_bytes() == content
    assert stat.S_IMODE((tmp_path / "there").stat().st_mode) == 0o600
    assert seen[-1] == (len(content), len(content))


async def test_a_failed_upload_names_host_and_path(host: HostDirectory, tmp_path: Path) -> None:
    (tmp_path / "here").write_text("x")
    with pytest.raises(StepFailed, match=r"on 127\.0\.0\.1, /nowhere/there can't be written") as caught:
        await host.remote.put(tmp_path / "here", "/nowhere/there")
    assert caught.value.cause is FailureCause.FILE_SYSTEM


async def test_a_host_without_sftp_is_a_configuration_error(
    sshd: Sshd, known_hosts: Path, tmp_path: Path
) -> None:
    sshd.restart(Subsystem="other /bin/true")
    (tmp_path / "here").write_text("x")
    async with ssh.connect(sshd.target(known_hosts)) as remote:
        with pytest.raises(StepFailed, match="serves no SFTP") as caught:
            await remote.put(tmp_path / "here", f"{tmp_path}/there")
    assert caught.value.cause is FailureCause.CONFIGURATION


async def test_a_host_without_python_gets_advice(sshd: Sshd, known_hosts: Path, tmp_path: Path) -> None:
    poor(sshd, tmp_path / "bin")
    async with ssh.connect(sshd.target(known_hosts)) as remote:
        with pytest.raises(StepFailed, match="has no python3: install it") as caught:
            await Calls(remote, "/opt/x").require_python()
    assert caught.value.cause is FailureCause.CONFIGURATION


async def test_an_old_python_is_refused_early(sshd: Sshd, known_hosts: Path, tmp_path: Path) -> None:
    poor(sshd, tmp_path / "bin", python3="echo '[3, 6]'")
    async with ssh.connect(sshd.target(known_hosts)) as remote:
        with pytest.raises(StepFailed, match=r"is 3\.6: 3\.9 or later is needed"):
            await Calls(remote, "/opt/x").require_python()


async def test_a_host_without_sudo_is_reported(sshd: Sshd, known_hosts: Path, tmp_path: Path) -> None:
    poor(sshd, tmp_path / "bin")
    async with ssh.connect(sshd.target(known_hosts, become=True)) as remote:
        with pytest.raises(StepFailed, match="has no sudo: install it there") as caught:
            await remote.run("true")
    assert caught.value.cause is FailureCause.CONFIGURATION


@pytest.mark.parametrize(
    "said",
    [
        "sudo: a password is required",
        "sudo: a terminal is required to read the password; either use the -S option to read from standard "
        "input or configure an askpass helper\nsudo: a password is required",
        "sudo: sorry, you must have a tty to run sudo",
        "sudo: unable to resolve host web\nsudo: a password is required",
    ],
)
async def test_a_sudo_with_a_password_is_an_authentication_failure(
    sshd: Sshd, known_hosts: Path, tmp_path: Path, said: str
) -> None:
    """The outputs are copies of those of real versions."""
    poor(sshd, tmp_path / "bin", sudo=f"echo '{said}' >&2\nexit 1")
    async with ssh.connect(sshd.target(known_hosts, become=True)) as remote:
        with pytest.raises(StepFailed) as caught:
            await remote.run("true")
    assert caught.value.cause is FailureCause.AUTHENTICATION
    assert caught.value.summary.startswith(f"{USER} may not run sudo without a password on 127.0.0.1: ")


async def test_commands_run_as_root_with_sudo(sshd: Sshd, known_hosts: Path) -> None:
    if shutil.which("sudo") is None or os.geteuid() != 0:
        pytest.skip("needs sudo, and to be let use it")
    async with ssh.connect(sshd.target(known_hosts, become=True)) as remote:
        assert (await remote.run("cat; echo $SUDO_USER", input="said ")).stdout == f"said {USER}\n"
        assert (await remote.run("exit 1", check=False)).status == 1


async def test_an_answer_of_the_host_is_found_or_not_understood(
    sshd: Sshd, known_hosts: Path, tmp_path: Path
) -> None:
    real, python = f"'{sys.executable}' \"$@\"", tmp_path / "bin" / "python3"
    poor(sshd, tmp_path / "bin", python3=f"echo '{{}}'; {real}; echo '[1]'; echo bye")
    async with ssh.connect(sshd.target(known_hosts)) as remote:
        call = Calls(remote, str(tmp_path / "nothing"))
        assert await call("status") is None
        for answer in ("bye", '{"result": ', "null", "[]", '{"a": 1}', "[" * 9999):
            python.write_text(f"#!/bin/sh\necho '{answer}'\n")
            with pytest.raises(StepFailed, match=r"the answer of 127\.0\.0\.1 is not understood: "):
                await call("status")
