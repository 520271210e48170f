"""Environments in a database that several machines share, each with a scratch directory of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from environments import LocalProvider
from environments.errors import OnAnotherMachine
from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.operation import Operation
from environments.model.records import TransitionRecord
from environments.model.spec import EnvironmentSpec
from environments.model.states import Created, Provisioning
from environments.model.summary import Summary
from environments.storage.sql.repository import SqlRepository
from environments.testing import FixedClock, ScriptedSpec
from environments.workspace import Workspace
from statechart.errors import Locked, NotFound
from statechart.holder import Holder

ME = Holder.current("test")


@dataclass
class Machines:
    """Two machines with the same database."""

    url: str
    directory: Path

    @property
    def here(self) -> SqlRepository:
        """The repository of this machine."""
        return SqlRepository(self.url, self.directory / "here")

    @property
    def there(self) -> SqlRepository:
        """The repository of another machine."""
        return SqlRepository(self.url, self.directory / "there")


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines(f"sqlite:///{tmp_path}/store.db", tmp_path)


def new(name: str = "demo") -> Environment[Created]:
    return Environment.new(EnvironmentSpec(name=name, provider=ScriptedSpec()), FixedClock().now())


def test_what_another_machine_purged_leaves_nothing_to_the_next_of_its_name(machines: Machines) -> None:
    first = machines.here.create(new())
    (machines.here.directory("demo") / "old").touch()
    machines.there.delete(first)

    machines.there.create(new())

    directory = machines.here.directory("demo")
    assert list(directory.iterdir()) == []
    assert [each.name for each in directory.parent.iterdir() if each.is_dir()] == [directory.name]


def test_a_worker_knows_the_directory_of_the_next_incarnation(machines: Machines) -> None:
    worker = SqlRepository(machines.url, machines.directory / "here", keeps=True)
    first = worker.create(new())
    before = worker.directory("demo")
    machines.there.delete(first)
    machines.there.create(new())

    with worker.open("demo", ME):
        after = worker.directory("demo")
    worker.let_go()

    assert after != before
    assert after == machines.here.directory("demo")


def test_an_environment_is_another_machines_when_a_worker_lets_it_go(machines: Machines) -> None:
    worker = SqlRepository(machines.url, machines.directory / "here", keeps=True)
    worker.create(new())
    worker.open("demo", ME).close()
    with pytest.raises(Locked):
        machines.there.open("demo", ME)

    worker.let_go()

    machines.there.open("demo", ME).close()


def test_directories_of_environments_that_are_gone_are_removed_once_in_a_while(machines: Machines) -> None:
    gone = machines.here.create(new())
    kept = machines.here.create(new("kept"))
    left = machines.here.directory("demo")
    machines.there.delete(gone)
    os.utime(left.parent / ".swept", (0, 0))

    machines.here.create(new("other"))

    assert not left.exists()
    assert machines.here.directory(kept.name).is_dir()


def test_a_purge_removes_the_directory_of_this_machine(machines: Machines) -> None:
    created = machines.here.create(new())
    directory = machines.here.directory("demo")

    machines.here.delete(created)

    assert not directory.exists()
    with pytest.raises(NotFound, match=r"store\.db"):
        machines.here.directory("demo")


def test_a_trace_is_read_on_every_machine(machines: Machines) -> None:
    machines.here.create(new())
    with machines.here.open("demo", ME) as session:
        place = session.write_trace("a.log", "what happened\0\ud800")

    assert machines.there.read_trace("demo", place) == "what happened\N{SYMBOL FOR NULL}?"
    assert (machines.there.directory("demo") / place).read_text() == "what happened\N{SYMBOL FOR NULL}?"
    assert machines.there.read_trace("demo", "traces/b.log") is None
    assert machines.there.read_trace("demo", "a.log") is None


def test_summaries_know_the_last_actor_and_the_last_look(machines: Machines) -> None:
    created = SqlRepository(machines.url, machines.directory, actor='An "n"').create(new())
    look = (
        f'{{"name": "demo", "lineage": "{created.lineage}", "revision": 1,'
        ' "at": "2026-01-01T00:00:00Z", "findings": [], "unseen": []}'
    )
    machines.there.write_look("demo", created.lineage, look.encode())
    machines.there.write_look("demo", "another", b"of another incarnation")

    for found in (*machines.here.summaries(), machines.here.summary("demo")):
        assert isinstance(found, Summary)
        assert found.actor == 'An "n"'
        assert found.last_look is not None
        assert found.last_look.revision == 1


def test_the_holders_of_all_environments_are_known_at_once(machines: Machines) -> None:
    for name in ("demo", "other"):
        machines.here.create(new(name))

    with machines.here.open("demo", ME):
        assert machines.there.holders() == {"demo": ME}

    assert machines.there.holders() == {}


async def test_a_workspace_takes_the_url_of_a_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVCHART_SCRATCH", str(tmp_path / "scratch"))
    url = f"sqlite:///{tmp_path}/store.db"
    workspace = Workspace(url)

    workspace.create(EnvironmentSpec(name="demo", provider=ScriptedSpec()))
    await workspace.bring("demo")
    await workspace.drift("demo")

    (summary,) = Workspace(url).summaries()
    assert isinstance(summary, Summary)
    assert summary.condition == "running"
    assert summary.last_look is not None
    assert (workspace.where, workspace.store_url, workspace.root) == (url, url, None)
    assert workspace.directory("demo").is_relative_to(tmp_path / "scratch")
    await workspace.remove("demo")
    assert workspace.names() == []


async def test_what_is_bound_to_a_machine_is_refused_on_another_one(
    machines: Machines, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").touch()
    created = Workspace(repository=machines.here).create(
        EnvironmentSpec(name="demo", provider=LocalProvider(app=app))
    )
    elsewhere = ME.model_copy(update={"host": "lab"})
    operation = Operation(
        id="one", command=CommandName.PROVISION, started_at=created.created_at, holder=elsewhere
    )
    begun = created.entering(Provisioning(), at=created.created_at, operation=operation)
    record = TransitionRecord(
        event="provision", from_state="created", to_state="provisioning", environment=begun
    )
    with machines.here.open("demo", ME) as session:
        session.commit(record)

    with pytest.raises(OnAnotherMachine, match="'demo' is on lab"):
        await Workspace(repository=machines.there).destroy("demo")
    with pytest.raises(OnAnotherMachine):
        await Workspace(repository=machines.there).recover("demo")
