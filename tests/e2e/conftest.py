"""Fixtures of the end-to-end tests: an isolated lab with machines and projects."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.e2e.image import ImageError, image
from tests.e2e.lab import Lab, Lack, missing
from tests.e2e.machine import Keys, Machine
from tests.e2e.project import Project

MakeMachine: TypeAlias = Callable[..., Machine]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest, so that no worker is left alone with one of them."""
    items.sort(key=lambda item: not {"e2e", "timeout"} <= {mark.name for mark in item.iter_markers()})


def _refuse(lacks: list[Lack]) -> None:
    """Skip the test, or fail in CI if packages would bring everything that is missing."""
    if not lacks:
        return
    reasons = "; ".join(map(str, lacks))
    if os.environ.get("CI") and all(lack.installable for lack in lacks):
        pytest.fail(f"CI has to have it: {reasons}")
    pytest.skip(reasons)


def _base(*, systemd: bool) -> Path:
    _refuse(missing(systemd=systemd))
    try:
        return image(systemd=systemd)
    except ImageError as error:
        _refuse([Lack(str(error), installable=True)])
        raise  # not reached: it is refused


@pytest.fixture(scope="session")
def base() -> Path:
    """The root file system of a machine with an SSH server."""
    return _base(systemd=False)


@pytest.fixture(scope="session")
def systemd_base() -> Path:
    """The root file system of a machine with systemd and cloud-init as well."""
    return _base(systemd=True)


@pytest.fixture(scope="session")
def lab(base: Path) -> Iterator[Lab]:
    with Lab().opened() as opened:
        yield opened


@pytest.fixture
def inside(lab: Lab) -> Iterator[Lab]:
    """The lab, entered; its machines are destroyed at the end."""
    with lab.namespaces.entered():
        yield lab
        lab.destroy_all()


@pytest.fixture
def make_machine(inside: Lab, tmp_path: Path, base: Path) -> MakeMachine:
    """Return a factory of machines that do not exist yet, recorded in one directory."""
    keys, state_dir = Keys.make(tmp_path / "keys"), inside.new_directory()

    def make(name: str = "one", base: Path = base, **settings: str) -> Machine:
        return Machine(name, state_dir, keys, base, settings)

    return make


@pytest.fixture
def machine(make_machine: MakeMachine) -> Machine:
    return make_machine()


@pytest.fixture
def project(inside: Lab, tmp_path: Path, base: Path) -> Iterator[Project]:
    """A project whose host runs an SSH server as its first process."""
    made = Project(tmp_path / "a project", inside.new_directory(), base)
    made.write()
    yield made
    made.end_processes()  # before the lab takes the machines away, of which they might be making one


@pytest.fixture
def no_playbook(project: Project) -> None:
    """Leave the playbook out of tests of something else: each run takes seconds of a processor."""
    project.provider["playbook"] = None


@pytest.fixture
def systemd_project(project: Project, systemd_base: Path) -> Project:
    """A project whose host has systemd and cloud-init."""
    project.base, project.systemd = systemd_base, True
    return project
