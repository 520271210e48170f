"""The commands of the tutorials about Terraform and fleets, run in the lab as they are printed."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import psutil
import pytest

from tests import postgres
from tests.docs.test_docs import ROOT, Reader
from tests.e2e.lab import Lab
from tests.e2e.machine import PAUSE, Keys, Machine, end_pauses

pytestmark = pytest.mark.e2e

TUTORIAL = ROOT / "docs" / "tutorial"
Follow: TypeAlias = Callable[..., Path]


@pytest.fixture
def follow(inside: Lab, tmp_path: Path) -> Follow:
    """Follows a page with a home of its own, and returns where its machines are."""

    def follow(name: str, store: str = "", **environ: str) -> Path:
        state_dir = inside.new_directory()
        shutil.copytree(ROOT / "examples" / "terraform-ansible", tmp_path / "example")
        variables = tmp_path / "example" / "terraform" / "variables.tf"
        variables.write_text(variables.read_text().replace("/var/lib/envchart-machines", str(state_dir)))
        (tmp_path / "home").mkdir()
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path / "home"),
            "COLUMNS": "80",
            "ENVCHART_STORE": store,
            **environ,
        }
        environment.pop("ENVCHART_DATA_DIR", None)
        if not store:
            del environment["ENVCHART_STORE"]
        page = (TUTORIAL / name).read_text()
        page = page.replace("cp -r examples/terraform-ansible ", f"cp -r {tmp_path}/example ")
        page = page.replace("$ export ENVCHART_STORE=postgresql://envchart@localhost/envchart\n", "")
        # On a busy machine, a worker may be silent for seconds, and must not be taken for dead.
        page = page.replace("fleet worker --slots 1", "fleet worker --slots 1 --dead-after 15")
        Reader(tmp_path, environment).follow(page)
        return state_dir

    return follow


def test_the_commands_about_terraform_work(follow: Follow, tmp_path: Path) -> None:
    state_dir = follow("terraform-ansible.md")

    assert Machine("envchart-web", state_dir, Keys(tmp_path)).status() == "absent"


@pytest.fixture
def workers_ended(tmp_path: Path) -> Iterator[None]:
    """Ends the workers that a page which fails in the middle leaves behind."""
    yield
    for noted in tmp_path.glob("*.pid"):
        if psutil.pid_exists(pid := int(noted.read_text())):
            psutil.Process(pid).kill()


@contextmanager
def let_go_after(note: Path, home: Path) -> Iterator[None]:
    """Let paused hosts boot once the process with a noted pid is dead, while a block runs."""
    over = threading.Event()

    def let_go() -> None:
        while not over.wait(0.2):
            if _is_dead(note):
                end_pauses(each for each in psutil.process_iter() if _home(each) == str(home))

    thread = threading.Thread(target=let_go)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _is_dead(note: Path) -> bool:
    try:
        return psutil.Process(int(note.read_text())).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except (OSError, ValueError):  # not noted yet
        return False


def _home(process: psutil.Process) -> str | None:
    with suppress(psutil.Error):
        return process.environ().get("HOME")
    return None


@pytest.mark.usefixtures("workers_ended")
def test_the_commands_about_three_machines_work(follow: Follow, tmp_path: Path) -> None:
    # The worker alpha must not be done with its host before the page kills it.
    paused = {"MACHINE_PAUSE_AT": "boot", "MACHINE_PAUSE": PAUSE}
    with (
        postgres.server(max(postgres.programs())) as server,
        let_go_after(tmp_path / "alpha.pid", tmp_path / "home"),
    ):
        url = postgres.database(server.url, "envchart")
        state_dir = follow("three-machines.md", url, **paused)

    for name in ("web", "shop"):
        assert Machine(f"envchart-{name}", state_dir, Keys(tmp_path)).status() == "absent"
