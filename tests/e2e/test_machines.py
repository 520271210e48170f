"""A machine is killed in each command, and another machine goes on, with a real host."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from environments.providers.terraform.tofu.carried.whole import WholeState
from tests.e2e.controller import on_machine
from tests.e2e.machine import PAUSE, await_that
from tests.e2e.project import Project
from tests.e2e.test_setbacks import tools

pytestmark = pytest.mark.e2e

_WAITING = """
    - name: wait until the test lets it go on
      ansible.builtin.wait_for: {path: /run/go-on, timeout: 600}
"""


@dataclass
class SharedProject(Project):
    """A project whose environment is in a database, with the commands on machines of several names.

    Attributes:
        at: The machine of the next command.
    """

    at: str = "first"

    @property
    def url(self) -> str:
        """The store."""
        return f"sqlite:///{self.directory}/store.db"

    def command(self, *words: str | Path) -> list[str]:
        program = [sys.executable, "-m", "environments", *map(str, words), "--store", self.url, "--json"]
        return on_machine(self.at, program)

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        self.environ["ENVCHART_SCRATCH"] = str(self.directory / f"scratch of {self.at}")
        return super().start(*words)

    def show(self) -> dict[str, Any]:
        return dict(self.envchart("show", self.name).document)

    def killed_at(self, step: str, *words: str, status: str = "") -> None:
        """Run a command on this machine, which dies with all its tools once it says a word.

        Args:
            step: The word.
            words: The command.
            status: The status that the host has to have by then, with its resource in the record, if any.
        """
        process = self.start(*words)
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if step in line:
                break
        else:
            raise AssertionError(f"it ended before {step}: {''.join(said)}")
        if status:
            await_that(lambda: self.machine_status() == status)
            await_that(self.is_carried)
        process.kill()
        process.communicate()
        await_that(lambda: not _kill_tools(self))

    def is_carried(self) -> bool:
        """Return whether this machine knows that the record has its state."""
        for note in Path(self.environ["ENVCHART_SCRATCH"]).rglob("build/carried.json"):
            state = WholeState.read(note.parent / "terraform" / "terraform.tfstate")
            if "look" not in note.parts and state is not None:
                return bool(json.loads(note.read_bytes())["known"] == state.digest)
        return False

    def goes_on(self, machine: str, command: str, state: str) -> None:
        """Recover a command on another machine, when the lease of the dead one is over, and end it."""
        self.at = machine
        recovered = self.envchart("recover", self.name, "--lock-timeout", "240").document
        assert recovered["recovery"]["settled"], recovered
        if recovered["state"] != state:
            retried = self.envchart("retry", self.name).document
            assert retried["state"] == state, (command, retried)


def _is_no_terraform(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.name() not in ("terraform", "tofu")
    return True


def _kill_tools(project: Project) -> Sequence[str]:
    # Terraform first: it would note the end of its tools in a state that nobody stores.
    for process in sorted(project._processes(), key=_is_no_terraform):
        with suppress(psutil.Error):
            if "ENVCHART_OPERATION" in process.environ():
                process.kill()
    return tools(project)


@pytest.fixture
def shared(project: Project) -> SharedProject:
    made = SharedProject(project.directory, project.state_dir, project.base)
    # The host's key is pinned when it is first seen, and every machine has to demand that key.
    made.provider["outputs"] = {}
    playbook = made.directory / "site.yml"
    playbook.write_text(playbook.read_text() + _WAITING)
    return made


def test_another_machine_goes_on_whatever_command_a_machine_dies_in(shared: SharedProject) -> None:
    shared.create()
    shared.environ = {"MACHINE_PAUSE_AT": "boot", "MACHINE_PAUSE": PAUSE}
    shared.killed_at("terraform_data.machine: create begun", "provision", "web", status="stopped")
    shared.environ = {}
    shared.goes_on("second", "provision", "provisioned")

    shared.killed_at("run_playbook", "configure", "web")
    shared.on_host("touch /run/go-on")
    shared.goes_on("first", "configure", "configured")

    shared.killed_at("upload_release", "release", "web")
    shared.goes_on("second", "release", "released")

    shared.killed_at("start_service", "run", "web")
    shared.goes_on("first", "run", "running")
    assert "<h1>Hello</h1>" in shared.page()

    # The second machine looks with the pinned key, and at the state of the record.
    shared.at = "second"
    (drift,) = shared.envchart("drift", "web").document["environments"]
    assert (drift["findings"], drift["unseen"]) == ([], []), drift

    shared.environ = {"MACHINE_PAUSE_AT": "destroy", "MACHINE_PAUSE": PAUSE}
    shared.killed_at("terraform_data.guard: delete begun", "destroy", "web", "--yes")
    shared.environ, shared.at = {}, "third"
    shared.envchart("destroy", "web", "--yes", "--lock-timeout", "240")
    assert shared.show()["state"] == "destroyed"
    assert shared.machine_status() == "absent"
