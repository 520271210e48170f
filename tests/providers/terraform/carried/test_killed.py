"""An apply of 200 resources is killed, and another machine goes on: no resource twice, none lost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from ruamel.yaml import YAML

from environments.ports import CarriedState
from environments.providers.terraform.tofu.carried.keys import StateKeys
from environments.providers.terraform.tofu.carried.version import Version
from environments.providers.terraform.tofu.program import find
from environments.storage.sql.repository import SqlRepository
from environments.system.waiting import block_until
from tests.e2e.controller import on_machine
from tests.providers.terraform.conftest import make_key

pytestmark = pytest.mark.e2e

MANY = 200
RESOURCE = """
resource "terraform_data" "r{n}" {{
  provisioner "local-exec" {{ command = "'{make}' r{n}" }}
}}
"""
# A half is made before the kill, however long that takes, and the rest after it.
MAKE = """#!/bin/sh
sleep 0.1
while [ -e '{gate}' ] && [ "$(wc -l <'{log}')" -ge {half} ]; do sleep 0.1; done
echo "$1" >>'{log}'
"""


@dataclass
class Project:
    """A module of many resources, and a store that two machines share."""

    directory: Path

    def __post_init__(self) -> None:
        for name in ("module", "app"):
            (self.directory / name).mkdir()
        make = self.directory / "make"
        make.write_text(MAKE.format(gate=self.gate, log=self.log, half=MANY // 2))
        make.chmod(0o700)
        for empty in (self.gate, self.log):
            empty.touch()
        resources = "".join(RESOURCE.format(n=n, make=make) for n in range(MANY))
        main = f'{resources}output "instance_ip" {{ value = "127.0.0.1" }}\n'
        (self.directory / "module" / "main.tf").write_text(main)
        (self.directory / "app" / "app.py").touch()
        make_key(self.directory / "key")
        provider = {
            "kind": "terraform",
            "directory": "module",
            "app": "app",
            "ssh": {"key": "key", "port": 1},  # nobody listens there: provision ends at reach_host
            "timeouts": {"ssh": 0.1},
        }
        YAML().dump({"name": "web", "provider": provider}, self.directory / "web.yaml")

    @property
    def log(self) -> Path:
        return self.directory / "log"

    @property
    def gate(self) -> Path:
        """The file that holds up the second half of the resources."""
        return self.directory / "gate"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.directory}/store.db"

    def start(self, machine: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "environments", *words]
        environ = {"ENVCHART_STORE": self.url, "ENVCHART_SCRATCH": str(self.directory / machine)}
        return subprocess.Popen(
            on_machine(machine, command, apart=True),
            cwd=self.directory,
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def envchart(self, machine: str, *words: str, code: int = 0) -> str:
        process = self.start(machine, *words)
        said = process.communicate()[0].decode()
        assert process.returncode == code, said
        return said

    def made(self) -> Counter[str]:
        return Counter(self.log.read_text().split())

    def carried(self) -> CarriedState | None:
        return SqlRepository(self.url, self.directory / "test").carried_state("web")

    def kept(self) -> set[str]:
        """Return the complete resources in the record's state."""
        carried = self.carried()
        if carried is None:
            return set()
        state = Version.parse(carried.content).state(StateKeys())
        return complete(json.loads(state.content))


def complete(state: dict[str, Any]) -> set[str]:
    """Return the resources in a state, without those that are only planned, or tainted."""
    found = {each["name"]: each["instances"] for each in state["resources"]}
    return {name for name, ones in found.items() if ones and not any(one.get("status") for one in ones)}


def check_all_made_once(project: Project, kept: set[str]) -> None:
    """Check that all resources are there, and that none was made again that was in the record."""
    made = project.made()
    assert len(project.kept()) == MANY
    assert {name for name in kept if made[name] > 1} == set()
    # Terraform takes a resource for complete whose provisioner was killed with it.
    assert len(kept | made.keys()) == MANY


@pytest.fixture
def project(tmp_path: Path) -> Project:
    if os.geteuid() != 0:
        pytest.skip("only root can make machines apart")
    if find(None) is None:
        pytest.skip("neither tofu nor terraform is on the path")
    made = Project(tmp_path)
    made.envchart("first", "create", "--file", "web.yaml")
    return made


def begun(project: Project) -> subprocess.Popen[bytes]:
    """Start provision on the first machine, and return when a part of the resources is made."""
    process = project.start("first", "provision", "web")
    assert block_until(lambda: len(project.made()) > MANY / 4, within=600, every=0.02)
    assert block_until(lambda: len(project.kept()) > MANY / 8, within=600, every=0.1)
    return process


def test_a_machine_that_dies_is_succeeded(project: Project) -> None:
    process = begun(project)
    process.kill()
    process.communicate()
    project.gate.unlink()
    kept = project.kept()

    recovered = project.envchart("second", "recover", "web", "--lock-timeout", "60")
    project.envchart("second", "retry", "web", code=6)

    assert len(kept) < MANY
    assert "so a resource that it was about to create may exist without being in its state" in recovered
    assert "Its last changes may be known on first alone" in recovered
    check_all_made_once(project, kept)


def test_a_terraform_that_is_killed_leaves_its_state_in_the_record(project: Project) -> None:
    process = begun(project)
    tool = next(each for each in psutil.Process(process.pid).children(recursive=True) if is_terraform(each))
    os.killpg(tool.pid, signal.SIGKILL)
    said = process.communicate()[0].decode()
    project.gate.unlink()
    left = next((project.directory / "first").rglob("terraform.tfstate")).read_bytes()
    kept = project.kept()

    project.envchart("second", "retry", "web", code=6)

    assert "was killed by SIGKILL" in said
    check_all_made_once(project, kept)
    if "is damaged" not in said:  # it may have been killed while it wrote
        assert complete(json.loads(left)) == kept


def is_terraform(process: psutil.Process) -> bool:
    try:
        return process.name() in ("terraform", "tofu") and os.getpgid(process.pid) == process.pid
    except (psutil.Error, ProcessLookupError):
        return False
