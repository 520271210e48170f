"""The commands of the tutorials about Terraform and fleets, run in the lab as they are printed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import psutil
import pytest

from tests import postgres
from tests.docs.test_docs import ROOT, Reader
from tests.e2e.lab import Lab
from tests.e2e.machine import Keys, Machine

pytestmark = pytest.mark.e2e

TUTORIAL = ROOT / "docs" / "tutorial"
Follow: TypeAlias = Callable[..., Path]


@pytest.fixture
def follow(inside: Lab, tmp_path: Path) -> Follow:
    """Follows a page with a home of its own, and returns where its machines are."""

    def follow(name: str, store: str = "") -> Path:
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


@pytest.mark.usefixtures("workers_ended")
def test_the_commands_about_three_machines_work(follow: Follow, tmp_path: Path) -> None:
    with postgres.server(max(postgres.programs())) as server:
        url = postgres.database(server.url, "envchart")
        state_dir = follow("three-machines.md", url)

    for name in ("web", "shop"):
        assert Machine(f"envchart-{name}", state_dir, Keys(tmp_path)).status() == "absent"
