"""The table of workers: who is dead, and by whose judgement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
import sqlalchemy as sa

from environments.fleet.engine.attendance import Attendance
from environments.fleet.engine.heart import Heart
from environments.fleet.engine.slots import Slots
from environments.fleet.engine.workers import Workers
from environments.fleet.fleet import Fleet
from environments.fleet.worker_status import DEAD_AFTER, WorkerStatus
from environments.storage.sql.tables import WORKERS
from environments.system.clock import SYSTEM_CLOCK
from environments.system.watchdog import Watchdog
from statechart.holder import Holder
from statechart.storage.sql.database import Database

HOLDER = Holder.current("worker").model_copy(update={"host": "elsewhere"})


@pytest.fixture
def workers(fleet_url: str) -> Iterator[Workers]:
    Fleet(fleet_url).migrate()
    yield (made := Workers(Database.of(fleet_url)))
    for each in made.all():
        made.leave(each.id)


def register(workers: Workers, name: str, *, dead_after: timedelta = DEAD_AFTER) -> WorkerStatus:
    made = WorkerStatus(name, name, HOLDER, "0.1.0", 1, 1, SYSTEM_CLOCK.now(), dead_after)
    workers.register(made)
    return made


def silence(workers: Workers, name: str, seconds: float) -> None:
    with workers.database.writing() as connection:
        statement = sa.update(WORKERS).where(WORKERS.c.id == name)
        connection.execute(statement.values(seen=WORKERS.c.seen - seconds))


def test_each_worker_is_dead_after_its_own_time(workers: Workers) -> None:
    register(workers, "patient", dead_after=timedelta(minutes=10))
    register(workers, "slow", dead_after=timedelta(minutes=10))
    register(workers, "quick", dead_after=timedelta(seconds=1))
    for name in ("slow", "quick"):
        silence(workers, name, 60)

    assert [each.id for each in workers.living()] == ["patient", "slow"]
    assert workers.bury("patient").keys() == {"quick"}


def test_a_database_that_stood_still_makes_nobody_dead(workers: Workers) -> None:
    me = register(workers, "me", dead_after=timedelta(minutes=1))
    register(workers, "other", dead_after=timedelta(minutes=1))
    for name in ("me", "other"):
        silence(workers, name, 300)

    assert workers.bury("me") == {}
    heart = Heart(workers.database, me.id)
    heart.beat()
    heart.close()
    assert workers.bury("me").keys() == {"other"}


@pytest.mark.parametrize("is_declared", [True, False])
def test_a_worker_that_ends_says_which_limit_was_passed(workers: Workers, is_declared: bool) -> None:
    me = register(workers, "me", dead_after=timedelta(seconds=1))
    told: list[str] = []
    ended: list[bool] = []
    slots = Slots(1, 1)
    heart = Heart(workers.database, me.id)
    with Watchdog() as watchdog, slots.taken("any"), closing(heart):
        here = Attendance(
            workers,
            heart,
            me,
            slots,
            told.append,
            over=lambda: ended.append(True),
            drained=lambda _left: None,
            watchdog=watchdog,
        )
        if is_declared:
            workers.leave("me")  # as another worker does
            here.beat()
        else:
            here.require_seen()  # it was never seen

    assert ended == [True]
    assert "1 s (--dead-after)" in told[0]
