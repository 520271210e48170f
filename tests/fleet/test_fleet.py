"""A fleet without workers: what is refused, what waits, and what a store that can carry none says."""

from __future__ import annotations

import importlib.util
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from environments import EnvironmentSpec, Fleet, LocalProvider, Selection, Workspace
from environments.errors import NothingMatches, NothingToRetry
from environments.fleet.engine.requeue import WORKFLOWS
from environments.fleet.engine.workers import Workers
from environments.fleet.errors import (
    BoundToMachine,
    FleetNotMigrated,
    FleetUnavailable,
    InvalidGoal,
    InvalidSchedule,
    NoSuchWish,
    NoSuchWorker,
)
from environments.fleet.fitness import require_fit
from environments.fleet.goals import GOALS, Goal
from environments.fleet.versions import is_older
from environments.fleet.wishes import Granted, Wish
from environments.fleet.worker_status import WorkerStatus
from environments.system.clock import SYSTEM_CLOCK
from environments.testing import ScriptedSpec
from statechart.errors import InvalidTransition, NotFound
from statechart.holder import Holder
from statechart.storage.sql.database import Database


@pytest.fixture
def fleet(fleet_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fleet:
    monkeypatch.setenv("ENVCHART_SCRATCH", str(tmp_path))
    made = Fleet(fleet_url)
    made.migrate()
    return made


def create(url: str, *names: str) -> None:
    for name in names:
        Workspace(url).create(EnvironmentSpec(name=name, provider=ScriptedSpec(), labels={"team": "web"}))


@pytest.mark.parametrize("place", ["data", "sqlite:///envchart.db"])
def test_a_fleet_needs_postgresql(place: str) -> None:
    with pytest.raises(FleetUnavailable, match="needs a store in PostgreSQL"):
        Fleet(place)


@pytest.mark.parametrize(("package", "name"), [("dbos", "DBOS"), ("sqlalchemy", "SQLAlchemy")])
def test_a_fleet_without_its_packages_names_the_extra(
    package: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "environments.fleet.fleet.find_spec", lambda asked: None if asked == package else found(asked)
    )

    with pytest.raises(FleetUnavailable, match=name) as refused:
        Fleet("postgresql://db/envchart")

    assert refused.value.needed == "envchart[fleet]"


def test_without_tables_the_error_names_the_command(blank_postgres_url: str) -> None:
    fleet = Fleet(blank_postgres_url)

    for call in (fleet.list, fleet.workers, fleet.schedules, lambda: fleet.submit("web")):
        with pytest.raises(FleetNotMigrated) as refused:
            call()
        assert refused.value.next == ("envchart fleet migrate",)


def test_a_submit_refuses_what_makes_no_sense_and_queues_the_rest(fleet: Fleet, fleet_url: str) -> None:
    create(fleet_url, "some-a", "some-b")

    with pytest.raises(NotFound):
        fleet.submit(["some-a", "missing"])
    with pytest.raises(NothingMatches):
        fleet.submit(Selection.read("nothing-*"))
    with pytest.raises(InvalidGoal, match="did you mean 'running'"):
        fleet.submit("some-a", to="runing")
    retried = fleet.submit("some-b", to="retry")
    stopped = fleet.submit("some-b", to="stop")

    assert isinstance(retried.refused["some-b"], NothingToRetry)
    assert isinstance(stopped.refused["some-b"], InvalidTransition)
    made = fleet.submit(Selection.read("some-*"), by="ann@lab")
    assert (sorted(made.wishes), made.refused) == (["some-a", "some-b"], {})
    assert made.notes == ("no worker is there yet: the wishes wait",)
    found = {each.name: each for each in fleet.status(["some-a", "some-b"])}
    assert (found["some-b"].wish.by, found["some-b"].waits_for) == ("ann@lab", "no worker is there")
    assert [each.condition for each in fleet.cancel(made.wishes.values())] == ["cancelled"] * 2


def test_wishes_of_one_moment_keep_their_order(fleet: Fleet, fleet_url: str) -> None:
    names = [f"at-once-{number}" for number in range(6)]
    create(fleet_url, *names)
    made = fleet.submit(names)
    database = Database.of(fleet_url)
    with database.writing() as connection:
        connection.execute(sa.update(WORKFLOWS).values(created_at=1_800_000_000_000))
    shown = [each.id for each in fleet.list()]

    for name in reversed(names):  # a row that is written again is read last
        fleet.cancel(made.wishes[name])

        assert [each.id for each in fleet.list()] == shown


def test_an_environment_of_a_machine_is_refused_by_several(
    fleet: Fleet, fleet_url: str, tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").touch()
    Workspace(fleet_url).create(EnvironmentSpec(name="here", provider=LocalProvider(app=tmp_path / "app")))
    workers = Workers(Database.of(fleet_url))
    for host in ("lab1", "lab2"):
        holder = Holder.current("worker").model_copy(update={"host": host})
        workers.register(WorkerStatus(host, host, holder, "0.1.0", 1, 1, SYSTEM_CLOCK.now()))

    made = fleet.submit("here")

    assert isinstance(made.refused["here"], BoundToMachine)
    for host in ("lab1", "lab2"):
        workers.leave(host)


def test_unknown_wishes_workers_and_schedules_are_errors(fleet: Fleet) -> None:
    with pytest.raises(NoSuchWish):
        fleet.status(["nothing"])
    with pytest.raises(NoSuchWish, match="no unfinished wish"):
        fleet.cancel("nothing")
    with pytest.raises(NoSuchWorker):
        fleet.drain("nothing")
    for cron in ("*/15 * * *", "61 * * * *", "* * * * * ; DROP"):
        with pytest.raises(InvalidSchedule):
            fleet.schedule("drift", cron)


def test_to_cancel_nothing_cancels_nothing(fleet: Fleet, fleet_url: str) -> None:
    create(fleet_url, "uncancelled")
    fleet.submit("uncancelled")

    assert fleet.cancel([]) == []

    assert [each.condition for each in fleet.cancel("uncancelled")] == ["cancelled"]


def test_a_schedule_can_be_replaced_and_removed(fleet: Fleet) -> None:
    fleet.schedule("drift", "*/15 * * * *")
    fleet.schedule("drift", "0 * * * *")

    assert [(each.kind, each.cron) for each in fleet.schedules()] == [("drift", "0 * * * *")]
    fleet.unschedule("drift")
    assert fleet.schedules() == []


async def test_old_wishes_are_deleted_and_the_last_of_each_environment_stays(
    fleet: Fleet, fleet_url: str
) -> None:
    create(fleet_url, "kept", "purged")
    numbers = {}
    for name in ("kept", "kept", "purged"):
        (number,) = fleet.submit(name).wishes.values()
        fleet.cancel(number)
        numbers.setdefault(name, []).append(number)
    await Workspace(fleet_url).purge(await Workspace(fleet_url).destroy("purged"))
    (waiting,) = fleet.submit("kept").wishes.values()

    assert fleet.prune(older_than=timedelta(days=1)) == 0
    assert fleet.prune(older_than=timedelta()) >= 3

    left = {each.id for each in fleet.list()}
    assert left.isdisjoint([*numbers["kept"], *numbers["purged"]])
    assert [each.id for each in fleet.status(["kept"])] == [waiting]
    with pytest.raises(NoSuchWish):
        fleet.status(["purged"])
    fleet.cancel(waiting)
    fleet.prune(older_than=timedelta())
    assert [each.condition for each in fleet.status(["kept"])] == ["cancelled"]


def test_wishes_and_their_ends_survive_as_text() -> None:
    wish = Wish("web", Goal.read("destroy"), "ann@lab")

    assert (Wish.read(wish.text()), wish.goal.text) == (wish, "destroyed")
    ending = Granted("failed", "created", "locked", "it is held", 5)
    assert Granted.read(ending.text()) == ending
    assert all(Goal.read(goal).commands is not None for goal in GOALS)


def test_versions_are_compared_by_their_numbers() -> None:
    assert is_older("0.9.0", "0.10.0")
    assert not is_older("0.10.0", "0.10.0")
    assert not is_older("", "0.10.0")


def test_a_machine_with_all_that_is_needed_is_fit(fleet: Fleet, fleet_url: str) -> None:
    create(fleet_url, "fit")

    require_fit(Workspace(fleet_url).load("fit"), Goal("running"))
