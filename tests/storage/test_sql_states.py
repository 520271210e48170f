"""A provider's state in rows of a database, fenced by the session that holds the environment."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from environments.ports import STATES_KEPT
from environments.storage.sql.schema import ENVIRONMENTS
from environments.storage.sql.states import StateRows
from environments.storage.sql.tables import STATES
from statechart.errors import LeaseLost
from statechart.holder import Holder
from statechart.storage.sql.database import Database
from statechart.storage.sql.leases.held import HeldRow
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.storage.sql.tables import NAMES

ME = Holder.current("test")


class Value(BaseModel, frozen=True):
    """A value of the tests."""

    text: str = ""


@dataclass
class Place:
    """A database with a name in it, and the states of that database."""

    database: Database
    repository: JsonSqlRepository[Value]
    states: StateRows

    def held(self) -> HeldRow:
        """Take the name."""
        session = self.repository.open("web", holder=ME)
        held = session._held
        assert isinstance(held, HeldRow)
        return held


@pytest.fixture
def place(any_sql_url: str) -> Iterator[Place]:
    database = Database.of(any_sql_url)
    repository = JsonSqlRepository(any_sql_url, Value, beside=(STATES,), schema=ENVIRONMENTS)
    repository.create("web", Value())
    yield Place(database, repository, StateRows(database))
    database.close()


def test_the_last_version_is_returned(place: Place) -> None:
    held = place.held()
    assert place.states.latest(held.lineage) is None

    assert place.states.store(held, b"\x00one") == 1
    assert place.states.store(held, b"two") == 2

    found = place.states.latest(held.lineage)
    assert found is not None
    assert (found.content, found.number) == (b"two", 2)
    assert abs(found.at - datetime.now(UTC)) < timedelta(minutes=5)
    held.close(undo=False)


def test_old_versions_are_dropped(place: Place) -> None:
    held = place.held()
    for number in range(STATES_KEPT + 5):
        place.states.store(held, b"%d" % number)

    with place.database.reading() as reader:
        numbers = reader.execute(sa.select(STATES.c.n).order_by(STATES.c.n)).scalars().all()

    assert numbers == list(range(6, STATES_KEPT + 6))
    held.close(undo=False)


def test_the_holder_before_stores_no_version(place: Place) -> None:
    held = place.held()
    place.states.store(held, b"mine")

    class Late:
        """The name as it was held before."""

        lineage, fence = held.lineage, held.fence - 1

        def check(self) -> None:
            raise LeaseLost("web", "there")

    with pytest.raises(LeaseLost):
        place.states.store(Late(), b"late")

    found = place.states.latest(held.lineage)
    assert found is not None
    assert found.content == b"mine"
    held.close(undo=False)


def test_a_fence_that_the_session_moved_is_compared_again(place: Place) -> None:
    held = place.held()
    with place.database.writing() as connection:
        connection.execute(sa.update(NAMES).values(fence=NAMES.c.fence + 1))

    class Moving:
        """A held name whose own commit moves the fence while a version is stored."""

        lineage = held.lineage
        fences = iter((held.fence, held.fence + 1, held.fence + 1, held.fence + 1))

        @property
        def fence(self) -> int:
            return next(self.fences)

        def check(self) -> None:
            raise AssertionError("it is not lost")

    assert place.states.store(Moving(), b"one") == 1
    held.fence += 1
    held.close(undo=False)


def test_a_state_of_ten_megabytes_is_kept_as_it_is(place: Place) -> None:
    held, content = place.held(), os.urandom(10 * 1024 * 1024)

    place.states.store(held, content)

    found = place.states.latest(held.lineage)
    assert found is not None
    assert found.content == content
    held.close(undo=False)


def test_two_threads_store_with_numbers_of_their_own(place: Place) -> None:
    held = place.held()
    numbers: list[int] = []

    def store() -> None:
        numbers.extend(place.states.store(held, b"one") for _ in range(5))

    threads = [threading.Thread(target=store) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(numbers) == list(range(1, 11))
    held.close(undo=False)


def test_the_versions_go_with_the_name(place: Place) -> None:
    held = place.held()
    place.states.store(held, b"one")
    held.close(undo=False)

    place.repository.delete("web", expected=place.repository.load("web").head)

    assert place.states.latest(held.lineage) is None
