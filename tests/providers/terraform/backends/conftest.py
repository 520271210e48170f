"""An environment whose module keeps Terraform's state in a backend."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from environments.errors import StepFailed
from tests.providers.terraform.backends.servers import (
    Backend,
    HttpBackend,
    LocalBackend,
    PostgresBackend,
    http_backend,
)
from tests.providers.terraform.carried.conftest import first, make_machine, shared
from tests.providers.terraform.conftest import BINARY, Bench, make_key

__all__ = ["first", "make_machine", "shared"]  # fixtures

MODULE = """
terraform {
  BLOCK
}

resource "terraform_data" "host" {
  input = "PLACE"
  provisioner "local-exec" { command = "touch '${self.input}'" }
  provisioner "local-exec" {
    when    = destroy
    command = "rm '${self.input}'"
  }
}

output "instance_ip" { value = "127.0.0.1" }
"""


@pytest.fixture
def http() -> Iterator[HttpBackend]:
    with http_backend() as backend:
        yield backend


@pytest.fixture
def pg(postgres_url: str) -> PostgresBackend:
    # A schema for each test: the database is that of all tests of this process.
    return PostgresBackend(postgres_url, f"tf_{uuid4().hex[:12]}")


@pytest.fixture(params=["local", "http", "pg"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Backend:
    """Each backend, with a server of its own."""
    if request.param == "local":
        return LocalBackend(tmp_path / "elsewhere.tfstate")
    found: Backend = request.getfixturevalue(request.param)
    return found


def kept_in(bench: Bench, backend: Backend, name: str = "host") -> Path:
    """Give a bench a module with a backend, and return the file that stands for its host."""
    if not (bench.directory / "key").exists():
        make_key(bench.directory / "key")
    host = bench.directory / name
    bench.write(**{"main.tf": MODULE.replace("BLOCK", backend.block).replace("PLACE", str(host))})
    bench.settings["backend_env"] = backend.variables
    return host


@pytest.fixture
def terraform() -> None:
    """Skip where there is no Terraform."""
    if shutil.which("terraform") is None:
        pytest.skip(f"needs {BINARY}")


@pytest.fixture
def host(bench: Bench, backend: Backend, terraform: None) -> Path:
    return kept_in(bench, backend)


def is_there(path: Path) -> bool:
    return path.exists()


async def refused(bench: Bench, command: str, *steps: str) -> str:
    with pytest.raises(StepFailed) as caught:
        await bench.run(command, *steps)
    return caught.value.summary


def another_machine(bench: Bench, directory: Path) -> Bench:
    """Return the bench as another machine has it: the record and the module, and no file of its own."""
    directory.mkdir()
    other = Bench(directory, settings=dict(bench.settings))
    shutil.copytree(bench.module, other.module, dirs_exist_ok=True)
    shutil.copy(bench.directory / "key", other.directory / "key")
    other.environment = bench.environment
    return other


def words_of(log: Path) -> list[list[str]]:
    """Return the calls of the program that `logging_program` wrote down."""
    return [line.split() for line in log.read_text().splitlines()]


def logging_program(bench: Bench) -> Path:
    """Have the real Terraform's calls written down."""
    log = bench.directory / "calls"
    log.touch()
    real = shutil.which("terraform") or "terraform"
    bench.program("terraform", f"echo \"$@\" >>'{log}'\nexec '{real}' \"$@\"\n")
    return log
