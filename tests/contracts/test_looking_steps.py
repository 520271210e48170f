"""Steps that are declared without an effect leave the files of the environment and of its host alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from environments import (
    CommandName,
    EnvironmentSpec,
    LocalProvider,
    Running,
    Step,
    StepContext,
    StepFailed,
    StepFinished,
    StepStarted,
    Workspace,
)
from environments.model.environment import Environment
from environments.model.provider_kinds import ProviderSpec
from tests.providers.terraform.conftest import Project, project, sshd

__all__ = ["project", "sshd"]  # fixtures

HELLO = Path(__file__).parent.parent.parent / "examples" / "hello"
COMMANDS = (
    CommandName.PROVISION,
    CommandName.CONFIGURE,
    CommandName.RELEASE,
    CommandName.RUN,
    CommandName.DESTROY,
)
LOOKING = {
    "local": {"verify_release", "verify_absence"},
    "terraform": {
        "validate",
        "read_outputs",
        "await_boot",
        "verify_release",
        "check_teardown",
        "verify_absence",
    },
}

Files = dict[str, tuple[int, int, int]]


@pytest.fixture
def local_spec(tmp_path: Path) -> ProviderSpec:
    return LocalProvider(app=HELLO, settle=timedelta(seconds=0.05))


@pytest.fixture
def terraform_spec(project: Project) -> ProviderSpec:
    return project.provider()


@pytest.fixture(params=["local", "terraform"])
def spec(request: pytest.FixtureRequest) -> ProviderSpec:
    found: ProviderSpec = request.getfixturevalue(f"{request.param}_spec")
    return found


def files_below(directory: Path, written_by_the_engine: Path) -> Files:
    """Return inode, size and modification time of what is below a directory.

    A file that came and went shows in the time of its directory.
    """
    found = {}
    for path in sorted(directory.rglob("*")):
        engine = written_by_the_engine in (path, path.parent) and not path.is_dir()
        # The service, not the step, writes a line for each request that it answers.
        if engine or path in (written_by_the_engine, written_by_the_engine.parent) or path.suffix == ".log":
            continue
        status = path.lstat()
        found[str(path.relative_to(directory))] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


@dataclass
class Watch:
    """An observer that compares the files before and after each step that only looks."""

    directory: Path
    environment: Path
    looking: Iterable[str]
    before: Files = field(default_factory=dict)
    unchanged: dict[str, bool] = field(default_factory=dict)

    def __call__(self, event: object) -> None:
        if isinstance(event, StepStarted):
            self.before = files_below(self.directory, self.environment)
        elif isinstance(event, StepFinished) and event.step in self.looking:
            self.unchanged[event.step] = self.before == files_below(self.directory, self.environment)


def looking_steps(spec: ProviderSpec) -> Iterator[Step]:
    environment = Environment.new(EnvironmentSpec(name="web", provider=spec), datetime.now(UTC))
    owned = environment.model_copy(update={"outputs": environment.outputs.updated({"owned": True})})
    for command in COMMANDS:
        yield from (step for step in spec.steps(command, owned) if not step.has_effect)


def test_steps_that_only_look_are_declared_so(spec: ProviderSpec) -> None:
    assert {step.name for step in looking_steps(spec)} == LOOKING[spec.kind]


async def test_a_look_at_an_environment_that_is_there_changes_no_file(
    spec: ProviderSpec, tmp_path: Path
) -> None:
    looking = {step.name for step in looking_steps(spec)}
    watch = Watch(tmp_path, Workspace(tmp_path / "data").directory("web"), looking)
    workspace = Workspace(tmp_path / "data", observers=[watch])
    workspace.create(EnvironmentSpec(name="web", provider=spec))

    await workspace.bring("web", to=Running)
    await workspace.destroy("web")

    assert watch.unchanged == dict.fromkeys(looking, True)


async def test_a_look_that_finds_nothing_makes_nothing(spec: ProviderSpec, tmp_path: Path) -> None:
    directory = tmp_path / "data" / "web"
    directory.mkdir(parents=True)
    environment = Environment.new(EnvironmentSpec(name="web", provider=spec), datetime.now(UTC))

    for step in looking_steps(spec):
        context = StepContext(
            environment=environment,
            operation_id="op",
            directory=directory,
            report=lambda _message: None,
            step=step.name,
        )
        with suppress(StepFailed):
            await step.effect(context)
        assert list(directory.iterdir()) == [], step.name
