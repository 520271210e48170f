"""The example's module under Terraform alone: missing hosts are detected, leftovers removed."""

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
    """The module in its own directory, for a machine."""

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
        """Run Terraform and return the exit code."""
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
        """Return 0 if there are no changes to make, and 2 if there are."""
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


def test_the_outputs_are_the_address_and_the_host_key(terraform: Terraform, machine: Machine) -> None:
    assert terraform.apply() == 0
    machine.await_ssh()

    key = machine.keys.host.with_suffix(".pub").read_text().strip()
    assert terraform.outputs() == {"instance_ip": machine.address, "ssh_host_key": key}
    assert terraform.plan() == 0


def test_a_missing_host_is_detected_and_created_again(terraform: Terraform, machine: Machine) -> None:
    terraform.apply()

    machine.kill()
    assert terraform.plan() == 2
    assert (terraform.apply(), terraform.plan(), machine.status()) == (0, 0, "running")

    machine.destroy()
    assert terraform.plan() == 2
    assert (terraform.apply(), terraform.plan(), machine.status()) == (0, 0, "running")


@pytest.mark.parametrize("place", ["network", "boot"])
def test_destroy_removes_the_leftovers_of_a_failed_apply(
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


def test_a_host_can_be_destroyed_without_its_keys(terraform: Terraform, machine: Machine) -> None:
    terraform.apply()
    for key in machine.keys.directory.iterdir():
        key.unlink()

    assert terraform.destroy() == 0
    assert machine.status() == "absent"
