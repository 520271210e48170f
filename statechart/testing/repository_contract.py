"""The contract of a storage backend: the behaviour that every repository must have.

Inherit from `RepositoryContract` in a test module, and pytest runs the contract over your backend.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from statechart.errors import AlreadyExists, LeaseLost, Locked, NotFound, Stale
from statechart.holder import Holder
from statechart.storage.session import Loaded

ANN = Holder.current("ann's command")
BEN = Holder.current("ben's command")


class Backend(ABC):
    """Adapts a repository to the contract.

    The contract compares recorded states and passes them back, and never looks inside.
    """

    def __init__(self, repository: Any) -> None:  # Any: whatever the backend's port is
        self.repository = repository

    @abstractmethod
    def create(self, name: str) -> object:
        """Create a value under a name, and return the recorded state."""

    @abstractmethod
    def load(self, name: str) -> object:
        """Return the recorded state."""

    @abstractmethod
    def open(self, name: str, holder: Holder, timeout: float = 0) -> Any:  # Any: the backend's own session
        """Open a session on a name."""

    @abstractmethod
    def held(self, session: Any) -> object:
        """Return the recorded state that a session sees, as `load` returns it."""

    @abstractmethod
    def change(self, session: Any, based_on: object | None = None) -> None:
        """Commit a change in a session, based on its present state or on `based_on`."""

    @abstractmethod
    def changes(self, name: str) -> int:
        """Return the number of records of a name, its creation included."""

    @abstractmethod
    def delete(self, name: str, expected: object) -> None:
        """Remove a name for good, if its recorded state is as expected."""


class RepositoryContract:
    """The tests that every repository must pass. Override the fixture `backend` to run them."""

    @pytest.fixture
    def backend(self) -> Backend:
        """Return the backend under test: new and empty for each test."""
        raise NotImplementedError(f"{type(self).__name__} has to override the fixture `backend`")

    def test_what_is_created_can_be_loaded(self, backend: Backend) -> None:
        created = backend.create("demo")

        assert backend.load("demo") == created
        assert backend.changes("demo") == 1

    def test_a_name_is_taken_once(self, backend: Backend) -> None:
        first = backend.create("demo")

        with pytest.raises(AlreadyExists, match="demo"):
            backend.create("demo")

        assert backend.load("demo") == first

    def test_of_many_creators_at_once_one_succeeds(self, backend: Backend) -> None:
        at_once = threading.Barrier(4)
        ended: list[object] = []

        def create() -> None:
            at_once.wait()
            try:
                ended.append(backend.create("demo"))
            except AlreadyExists as error:
                ended.append(error)

        in_threads(create, 4)

        assert [type(each) for each in ended].count(AlreadyExists) == 3
        assert backend.load("demo") in ended

    def test_names_are_sorted_and_known(self, backend: Backend) -> None:
        assert backend.repository.names() == []

        for name in ("b", "a", "c1"):
            backend.create(name)

        assert backend.repository.names() == ["a", "b", "c1"]
        assert (backend.repository.exists("a"), backend.repository.exists("d")) == (True, False)

    @pytest.mark.parametrize("how", ["load", "open", "open and wait", "changes"])
    def test_what_is_not_there_is_not_found(self, backend: Backend, how: str) -> None:
        ask: dict[str, Callable[[], object]] = {
            "load": lambda: backend.load("nobody"),
            "open": lambda: backend.open("nobody", ANN),
            "open and wait": lambda: backend.open("nobody", ANN, 5),
            "changes": lambda: backend.changes("nobody"),
        }

        with pytest.raises(NotFound, match="nobody"):
            ask[how]()

        assert backend.repository.names() == []

    def test_a_session_has_what_is_on_record(self, backend: Backend) -> None:
        created = backend.create("demo")

        with backend.open("demo", ANN) as session:
            assert backend.held(session) == created
            assert (session.crashed, session.released_by, list(session.notes)) == (None, None, [])

    def test_there_is_one_holder(self, backend: Backend) -> None:
        backend.create("demo")

        with backend.open("demo", ANN), pytest.raises(Locked, match="ann's command") as locked:
            backend.open("demo", BEN)

        assert locked.value.holder == ANN
        backend.open("demo", BEN).close()

    def test_another_name_is_free(self, backend: Backend) -> None:
        backend.create("demo")
        other = backend.create("other")

        with backend.open("demo", ANN), backend.open("other", BEN) as session:
            assert backend.held(session) == other

    def test_the_holder_is_known_while_it_holds(self, backend: Backend) -> None:
        backend.create("demo")
        assert backend.repository.holder("demo") is None

        with backend.open("demo", ANN):
            assert backend.repository.holder("demo") == ANN

        assert backend.repository.holder("demo") is None

    def test_an_error_in_a_session_lets_others_in(self, backend: Backend) -> None:
        backend.create("demo")

        with pytest.raises(RuntimeError), backend.open("demo", ANN):
            raise RuntimeError

        assert backend.repository.holder("demo") is None

    def test_opening_waits_for_another_holder(self, backend: Backend) -> None:
        backend.create("demo")
        session = backend.open("demo", ANN)
        threading.Timer(0.05, session.close).start()

        with backend.open("demo", BEN, 5):
            assert backend.repository.holder("demo") == BEN

    def test_waiting_ends_after_its_time(self, backend: Backend) -> None:
        backend.create("demo")
        with backend.open("demo", ANN):
            asked = time.monotonic()
            with pytest.raises(Locked):
                backend.open("demo", BEN, 0.05)

        assert 0.05 <= time.monotonic() - asked < 2

    def test_who_let_go_in_order_is_known_to_the_next(self, backend: Backend) -> None:
        backend.create("demo")
        backend.open("demo", ANN).close()

        with backend.open("demo", BEN) as session:
            assert session.released_by is not None
            assert (session.released_by.token, session.crashed) == (ANN.token, None)

        # A session that recorded nothing leaves the holder before it on record.
        with backend.open("demo", ANN) as session:
            assert session.released_by is not None
            assert session.released_by.token == ANN.token

    def test_threads_take_turns_and_lose_nothing(self, backend: Backend) -> None:
        backend.create("demo")

        def change_often() -> None:
            for _ in range(5):
                with backend.open("demo", Holder.current(), 10) as session:
                    backend.change(session)

        in_threads(change_often, 4)

        assert backend.changes("demo") == 21

    def test_a_commit_is_on_record_at_once(self, backend: Backend) -> None:
        created = backend.create("demo")

        with backend.open("demo", ANN) as session:
            backend.change(session)

            assert backend.load("demo") == backend.held(session) != created
        assert backend.changes("demo") == 2

    def test_the_next_session_goes_on_from_there(self, backend: Backend) -> None:
        backend.create("demo")
        with backend.open("demo", ANN) as session:
            backend.change(session)
            left = backend.held(session)

        with backend.open("demo", BEN) as session:
            assert backend.held(session) == left
            backend.change(session)

        assert backend.changes("demo") == 3

    def test_a_change_of_what_is_not_on_record_any_more_is_stale_and_writes_nothing(
        self, backend: Backend
    ) -> None:
        created = backend.create("demo")

        with backend.open("demo", ANN) as session:
            backend.change(session)
            changed = backend.held(session)
            with pytest.raises(Stale):
                backend.change(session, based_on=created)
            assert backend.held(session) == changed

        assert backend.load("demo") == changed
        assert backend.changes("demo") == 2

    def test_a_closed_session_has_lost_its_lease(self, backend: Backend) -> None:
        backend.create("demo")
        session = backend.open("demo", ANN)
        session.check()
        session.close()
        session.close()

        with backend.open("demo", BEN):
            with pytest.raises(LeaseLost):
                session.check()
            with pytest.raises(LeaseLost):
                backend.change(session)

        assert backend.changes("demo") == 1

    def test_what_is_deleted_frees_its_name(self, backend: Backend) -> None:
        backend.delete("demo", backend.create("demo"))

        assert (backend.repository.exists("demo"), backend.repository.names()) == (False, [])
        again = backend.create("demo")
        assert (backend.load("demo"), backend.changes("demo")) == (again, 1)

    def test_what_changed_since_is_not_deleted(self, backend: Backend) -> None:
        created = backend.create("demo")
        with backend.open("demo", ANN) as session:
            backend.change(session)

        with pytest.raises(Stale):
            backend.delete("demo", created)

        assert backend.changes("demo") == 2

    def test_a_successor_of_the_same_name_is_not_deleted(self, backend: Backend) -> None:
        created = backend.create("demo")
        backend.delete("demo", created)
        again = backend.create("demo")

        with pytest.raises(Stale, match="created again"):
            backend.delete("demo", created)

        assert backend.load("demo") == again

    def test_what_is_held_is_not_deleted(self, backend: Backend) -> None:
        created = backend.create("demo")

        with backend.open("demo", ANN), pytest.raises(Locked):
            backend.delete("demo", created)

        assert backend.load("demo") == created


def in_threads(work: Callable[[], None], count: int) -> None:
    """Run a function in several threads at once, and wait for all."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Counter(BaseModel, frozen=True):
    """A value that changes by counting."""

    state: str = "counting"
    count: int = 0


class StoreBackend(Backend):
    """Adapts a `JsonFileRepository` of `Counter` to the contract."""

    def create(self, name: str) -> object:
        """Create a counter."""
        return self.repository.create(name, Counter())

    def load(self, name: str) -> object:
        """Return value and head."""
        return self.repository.load(name)

    def open(self, name: str, holder: Holder, timeout: float = 0) -> Any:
        """Open a session on a counter."""
        return self.repository.open(name, holder=holder, timeout=timeout)

    def held(self, session: Any) -> object:
        """Return value and head, as `load` does."""
        return Loaded(session.value, session.head, ())

    def change(self, session: Any, based_on: Any = None) -> None:
        """Increment the count."""
        base: Any = based_on or self.held(session)  # Any: what `load` returned
        value = base.value.model_copy(update={"count": base.value.count + 1})
        session.commit("counted", value, expected=base.head.revision)

    def changes(self, name: str) -> int:
        """Return the number of records."""
        return len(self.repository.history(name))

    def delete(self, name: str, expected: Any) -> None:
        """Remove a counter."""
        self.repository.delete(name, expected=expected.head)
