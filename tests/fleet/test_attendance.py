"""The table of workers: who is dead, and by whose judgement."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from environments.system.waiting import block_until
from environments.system.watchdog import Watchdog
from statechart.holder import Holder
from statechart.storage.sql.clock import now
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
        connection.execute(statement.values(seen=now() - seconds))


def attendance(
    workers: Workers,
    heart: Heart,
    me: WorkerStatus,
    *,
    slots: Slots | None = None,
    tell: Callable[[str], None] = lambda _text: None,
    over: Callable[[], None] = lambda: None,
    watchdog: Watchdog | None = None,
) -> Attendance:
    return Attendance(
        workers,
        heart,
        me,
        slots or Slots(1, 1),
        tell,
        over=over,
        drained=lambda _left: None,
        watchdog=watchdog or Watchdog.of_this_process(),
    )


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


def test_a_worker_that_becomes_too_silent_is_looked_for_at_that_moment(workers: Workers) -> None:
    me = register(workers, "me", dead_after=timedelta(minutes=1))
    register(workers, "other", dead_after=timedelta(minutes=1))
    with closing(Heart(workers.database, me.id)) as heart:
        here = attendance(workers, heart, me)

        assert here.look_after() is None  # at the next beat
        found: list[float] = []

        def looks_sooner() -> bool:
            silence(workers, "other", 60 - 0.9)
            pause = here.look_after()
            found.extend([] if pause is None else [pause])
            return pause is not None

        assert block_until(looks_sooner, within=60)
        assert 0 < found[-1] <= 0.9
        workers.leave("other")  # as a third one does, which is putting the wishes back
        assert here.look_after() is not None
        assert here.look_after() is None


@pytest.mark.parametrize("is_declared", [True, False])
def test_a_worker_that_ends_says_which_limit_was_passed(workers: Workers, is_declared: bool) -> None:
    me = register(workers, "me", dead_after=timedelta(seconds=1))
    told: list[str] = []
    ended: list[bool] = []
    slots = Slots(1, 1)
    heart = Heart(workers.database, me.id)
    with Watchdog() as watchdog, slots.taken("any"), closing(heart):
        here = attendance(
            workers,
            heart,
            me,
            slots=slots,
            tell=told.append,
            over=lambda: ended.append(True),
            watchdog=watchdog,
        )
        if is_declared:
            workers.leave("me")  # as another worker does
            here.beat()
        else:
            here.require_seen()  # it was never seen

    assert ended == [True]
    assert "1 s (--dead-after)" in told[0]
