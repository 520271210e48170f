"""The example's module, by Terraform alone: what is gone it sees, what is half made it removes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from shutil import copytree

import pytest

from environments.providers.terraform.tofu import program
from tests.e2e.machine import MODULE, Machine

pytestmark = pytest.mark.e2e


class Terraform:
    """The module in a directory of its own, for one machine."""

    def __init__(self, directory: Path, machine: Machine) -> None:
        self.directory = copytree(MODULE, directory)
        variables = {
            "instance_name": machine.name,
            "state_dir": str(machine.state_dir),
            "base": str(machine.base),
            "authorized_key_file": str(machine.keys.own.with_suffix(".pub")),
            "host_key_file": str(machine.keys.host),
        }
        (directory / "test.auto.tfvars.json").write_text(json.dumps(variables))
        assert self.run("init") == 0

    def run(self, *words: str, **environ: str) -> int:
        """Run it, and return its exit code."""
        quiet = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
        return subprocess.run(
            [str(program.find(None)), *words, "-no-color"],
            cwd=self.directory,
            env={**os.environ, **quiet, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        ).returncode

    def apply(self, **environ: str) -> int:
        return self.run("apply", "-auto-approve", **environ)

    def plan(self) -> int:
        """Return 0 when there is nothing to do, and 2 when there is."""
        return self.run("plan", "-detailed-exitcode")

    def destroy(self, **environ: str) -> int:
        return self.run("destroy", "-auto-approve", **environ)

    def outputs(self) -> dict[str, str]:
        words = [str(program.find(None)), "output", "-json"]
        said = subprocess.run(words, cwd=self.directory, capture_output=True, check=True)
        return {name: output["value"] for name, output in json.loads(said.stdout).items()}


@pytest.fixture
def terraform(machine: Machine, tmp_path: Path) -> Terraform:
    return Terraform(tmp_path / "with a space", machine)


@pytest.mark.usefixtures("lab")
def test_the_module_is_in_the_usual_format() -> None:
    words = [str(program.find(None)), f"-chdir={MODULE}", "fmt", "-check"]

    assert subprocess.run(words, stdout=subprocess.DEVNULL).returncode == 0


def test_it_says_where_the_host_is_and_which_key_it_shows(terraform: Terraform, machine: Machine) -> None:
    assert terraform.apply() == 0
    machine.await_ssh()

    key = machine.keys.host.with_suffix(".pub").read_text().strip()
    assert terraform.outputs() == {"instance_ip": machine.address, "ssh_host_key": key}
    assert terraform.plan() == 0


def test_a_host_that_is_gone_is_seen_and_made_again(terraform: Terraform, machine: Machine) -> None:
    terraform.apply()

    machine.kill()
    assert terraform.plan() == 2
    assert (terraform.apply(), terraform.plan(), machine.status()) == (0, 0, "running")

    machine.destroy()
    assert terraform.plan() == 2
    assert (terraform.apply(), terraform.plan(), machine.status()) == (0, 0, "running")


@pytest.mark.parametrize("place", ["network", "boot"])
def test_what_a_failed_apply_has_left_is_taken_away(
    terraform: Terraform, machine: Machine, place: str
) -> None:
    assert terraform.apply(MACHINE_FAIL_AT=place) == 1
    assert (machine.state_dir / machine.name).exists()

    assert terraform.destroy() == 0

    assert machine.status() == "absent"


def test_a_failed_apply_can_be_repeated(terraform: Terraform, machine: Machine) -> None:
    assert terraform.apply(MACHINE_FAIL_AT="boot") == 1

    assert (terraform.apply(), terraform.plan(), machine.status()) == (0, 0, "running")


def test_a_failed_destroy_can_be_repeated(terraform: Terraform, machine: Machine) -> None:
    terraform.apply()

    assert terraform.destroy(MACHINE_FAIL_AT="destroy") == 1
    assert machine.status() == "running"
    assert terraform.destroy() == 0
    assert machine.status() == "absent"


def test_keys_that_are_gone_do_not_keep_a_host_from_being_destroyed(
    terraform: Terraform, machine: Machine
) -> None:
    terraform.apply()
    for key in machine.keys.directory.iterdir():
        key.unlink()

    assert terraform.destroy() == 0
    assert machine.status() == "absent"
