"""The commands of the tutorial about Terraform and Ansible, run in the lab as they are printed."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.test_docs import ROOT, Reader
from tests.e2e.lab import Lab
from tests.e2e.machine import Keys, Machine

pytestmark = pytest.mark.e2e

PAGE = ROOT / "docs" / "tutorial" / "terraform-ansible.md"


def test_the_commands_of_the_tutorial_work(inside: Lab, tmp_path: Path) -> None:
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
    }
    environment.pop("ENVCHART_DATA_DIR", None)
    page = PAGE.read_text().replace("cp -r examples/terraform-ansible ", f"cp -r {tmp_path}/example ")

    Reader(tmp_path, environment).follow(page)

    machine = Machine("envchart-web", state_dir, Keys(tmp_path))
    assert machine.status() == "absent"
