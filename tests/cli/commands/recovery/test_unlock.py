"""`unlock`: the evidence, the confirmation and the outcome."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from environments.storage.file import FileRepository
from statechart.holder import Holder

HOLD = """
import sys, time
import environments.testing
from environments.storage.file import FileRepository
from statechart.holder import Holder
session = FileRepository(sys.argv[1]).open("demo", Holder.current("envchart provision"))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def hung(created: Any, crash: Callable[..., Any], data: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds demo in the middle of its provision."""
    crash("provision", "provisioning", "first_provision")
    with subprocess.Popen([sys.executable, "-c", HOLD, str(data)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_unlock_shows_the_evidence_ends_the_holder_and_names_the_next_command(
    cli: Any, hung: subprocess.Popen[bytes]
) -> None:
    ran = cli("unlock", "demo", "--yes")

    assert ran.code == 0
    assert f"  held by envchart provision, pid {hung.pid} of " in ran.err
    assert "  provision has been at step 1/2 first_provision for " in ran.err
    assert ran.out.startswith(
        f"ended pid {hung.pid} (by SIGTERM): demo is provisioning (provision interrupted"
    )
    assert "next: envchart recover demo" in ran.err
    assert "unlocked" in cli("history", "demo").out


def test_without_a_terminal_no_process_is_ended(cli: Any, hung: subprocess.Popen[bytes]) -> None:
    ran = cli("unlock", "demo")

    assert ran.code == 2
    assert "held by envchart provision" in ran.err
    assert "next: envchart unlock demo --yes" in ran.err
    assert hung.poll() is None


def test_the_document_names_the_holder_and_the_user(cli: Any, hung: subprocess.Popen[bytes]) -> None:
    document = cli("unlock", "demo", "--yes", "--json").document

    assert document["unlocked"]["holder"]["pid"] == hung.pid
    assert (document["unlocked"]["how"], document["operation"]["status"]) == ("by SIGTERM", "interrupted")
    assert "@" in document["unlocked"]["by"]


def test_an_environment_without_a_holder_is_refused(cli: Any, created: Any) -> None:
    ran = cli("unlock", "demo", "--yes")

    assert (ran.code, "nobody holds 'demo'" in ran.err) == (4, True)
    assert "next: envchart provision demo" in ran.err


def test_a_holder_on_another_host_is_left_alone(cli: Any, created: Any, repository: FileRepository) -> None:
    with repository.open("demo", Holder.current("test")):
        ran = cli("unlock", "demo", "--yes")

    assert (ran.code, "it is this command itself" in ran.err) == (5, True)
