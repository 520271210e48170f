"""The end of a boot, told by cloud-init in the forms of its versions."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from environments import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common import ssh
from environments.providers.common.ssh import Connection
from environments.providers.terraform.remote.cloud_init import await_cloud_init
from tests.providers.terraform.conftest import Sshd

LONG = timedelta(seconds=60)
NO_FORMAT = """
case "$*" in
*--format*) echo 'cloud-init: error: unrecognized arguments: --format json' >&2; exit 2;;
*) echo "{}"; exit {};;
esac
"""
NO_WAIT = """
case "$*" in
*--*) echo 'cloud-init: error: unrecognized arguments' >&2; exit 2;;
*) echo "status: done";;
esac
"""


def told(json: str, code: int = 0) -> str:
    return f"echo '{json}'; exit {code}"


GOOD = {
    "done": (told('{"status": "done", "errors": []}'), "done"),
    "disabled": (told('{"status": "disabled"}'), "disabled"),
    "done with recovered errors": (
        told('{"status": "done", "extended_status": "degraded done", "errors": []}', 2),
        "degraded done",
    ),
    "a warning before the JSON": (told('WARNING: {odd} setting\n{\n"status": "done"}'), "done"),
    "no --format": (NO_FORMAT.format("......\nstatus: done", 0), "done"),
    "dots, then the status": (NO_FORMAT.format("......status: disabled", 0), "disabled"),
    "no --format and no --wait": (NO_WAIT, "done"),
}
BAD = {
    "an error with reasons": (
        told('{"status": "error", "errors": ["no such package"]}', 1),
        "as error: no such package",
    ),
    "an error with a detail": (
        told('{"status": "error", "detail": "out of disk"}'),
        "as error: out of disk",
    ),
    "done with the exit code of a failure": (told('{"status": "done"}', 1), "as done: exit code 1"),
    "an error without --format": (NO_FORMAT.format("status: error", 1), "as error: exit code 1"),
    "done by words, with the exit code of a failure": (NO_FORMAT.format("status: done", 1), "exit code 1"),
    "not run": (told('{"status": "not run"}'), "ended as not run"),
    "still running": (NO_FORMAT.format("status: running", 0), "ended as running"),
    "degraded in a word": (told('{"status": "degraded"}', 2), "ended as degraded"),
    "no status": (told('{"status": null}'), "not known"),
    "done, and errors": (told('{"status": "done", "errors": ["no such package"]}'), "no such package"),
    "done, and an error in more words": (
        told('{"status": "done", "extended_status": "error - done"}'),
        "ended as done",
    ),
    "done, and killed": (told('{"status": "done"}', 137), "as done: exit code 137"),
    "the last word counts": (
        told('{"status": "done"}\n{"status": "error"}'),
        "ended as error",
    ),
    "the status of a part": (told('{"cloud": {"status": "done"}}'), "not known"),
    "parts within parts": (
        """i=0; while [ $i -lt 3000 ]; do printf '{"a":'; i=$((i+1)); done""",
        "not known",
    ),
    "a list": (told('["status", "done"]'), "not known"),
    "nothing": ("exit 0", "printed nothing"),
    "nothing, and a failure": ("exit 1", "exit code 1 of cloud-init: it printed nothing"),
    "a usage error": (
        "echo 'invalid choice: status' >&2; exit 2",
        "exit code 2 of cloud-init: invalid choice",
    ),
    "a crash": ("kill -9 $$", "not known"),
    "other words": ("echo 'all done'", "not known: exit code 0 of cloud-init: all done"),
}


@pytest.fixture
def host(sshd: Sshd, tmp_path: Path) -> Callable[[str | None], None]:
    """Return a function that gives the host a cloud-init, or takes it away."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("env", "sh", "sleep"):
        (programs / name).symlink_to(str(shutil.which(name)))
    sshd.restart(SetEnv=f"HOME={programs} PATH={programs}")

    def put(text: str | None) -> None:
        program = programs / "cloud-init"
        program.unlink(missing_ok=True)
        if text is not None:
            program.write_text(f"#!/bin/sh\n{text}\n")
            program.chmod(0o755)

    return put


async def judged(remote: Connection) -> None:
    found = await await_cloud_init(remote, LONG)
    assert found is not None
    found.require_success()


async def test_only_a_boot_that_cloud_init_calls_done_is_a_success(
    sshd: Sshd, known_hosts: Path, host: Callable[[str | None], None]
) -> None:
    async with ssh.connect(sshd.target(known_hosts)) as remote:  # one connection for all cases
        assert await await_cloud_init(remote, LONG) is None
        for case, (text, said) in GOOD.items():
            host(text)
            found = await await_cloud_init(remote, LONG)
            assert found is not None, case
            found.require_success()
            assert found.describe() == f"cloud-init {said}", case
        for case, (text, said) in BAD.items():
            host(text)
            with pytest.raises(StepFailed) as caught:
                await judged(remote)
            assert said in caught.value.summary, case
            assert caught.value.cause is FailureCause.INFRASTRUCTURE, case


async def test_a_cloud_init_that_hangs_is_not_waited_for_for_ever(
    sshd: Sshd, known_hosts: Path, host: Callable[[str | None], None]
) -> None:
    host("exec sleep 60")
    async with ssh.connect(sshd.target(known_hosts)) as remote:
        with pytest.raises(StepFailed, match="cloud-init did not end within") as caught:
            await await_cloud_init(remote, timedelta(seconds=0.1))
    assert caught.value.cause is FailureCause.TIMEOUT


async def test_a_host_that_does_not_say_whether_it_has_cloud_init_is_not_without(
    sshd: Sshd, known_hosts: Path, host: Callable[[str | None], None], tmp_path: Path
) -> None:
    shell = tmp_path / "bin" / "sh"
    shell.unlink()
    shell.write_text("#!/bin/bash\nexit 1\n")
    shell.chmod(0o755)
    async with ssh.connect(sshd.target(known_hosts)) as remote:
        with pytest.raises(StepFailed, match="whether the boot succeeded is not known"):
            await await_cloud_init(remote, LONG)
