"""Drive a store in a database against a model of it, with deaths, takeovers and other writers between."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from statechart.errors import AlreadyExists, LeaseLost, Locked, NotFound, Stale
from statechart.holder import Holder
from statechart.storage.record import Record
from statechart.storage.segments.size import Segment
from statechart.storage.session import Session
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.storage.sql.tables import NAMES
from statechart.testing.repository_contract import Counter
from tests.conftest import dead_holder

NAME = st.sampled_from(["a", "b"])
_MEMORY = Path("/dev/shm")  # where a sync costs nothing: no power is cut here


def folded(value: Counter, _record: Record) -> Counter:
    return Counter(count=value.count + 100)


class Life(RuleBasedStateMachine):
    """The expected counts, holders and records beside the recorded ones."""

    url: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        where = _MEMORY if os.access(_MEMORY, os.W_OK) else None
        self.place = Path(tempfile.mkdtemp(dir=where, prefix="envchart-model-"))
        url = self.url or f"sqlite:///{self.place}/store.db"
        # A lease that never ends by itself: here, it ends by deaths and takeovers only.
        self.repository = JsonSqlRepository(url, Counter, fold=folded, segment=Segment(records=3), ttl=3600)
        for name in self.repository.names():
            self.repository.delete(name, expected=self.repository.load(name).head)
        self.counts: dict[str, int] = {}
        self.revisions: dict[str, int] = {}
        self.sessions: dict[str, Session[Counter]] = {}
        self.lost: list[Session[Counter]] = []

    def teardown(self) -> None:
        for session in (*self.sessions.values(), *self.lost):
            session.close()
        self.repository.database.close()
        shutil.rmtree(self.place)

    @rule(name=NAME)
    def create(self, name: str) -> None:
        if name in self.counts:
            with pytest.raises(AlreadyExists):
                self.repository.create(name, Counter())
            return
        self.repository.create(name, Counter())
        self.counts[name], self.revisions[name] = 0, 1

    @rule(name=NAME)
    def open(self, name: str) -> None:
        if name not in self.counts:
            with pytest.raises(NotFound):
                self.repository.open(name)
        elif name in self.sessions:
            with pytest.raises(Locked):
                self.repository.open(name)
        else:
            self.sessions[name] = self.repository.open(name)

    @precondition(lambda self: self.sessions)
    @rule(name=NAME, stale=st.booleans())
    def commit(self, name: str, stale: bool) -> None:
        if name not in self.sessions:
            return
        expected, value = self.revisions[name], Counter(count=self.counts[name] + 1)
        if stale:
            with pytest.raises(Stale):
                self.sessions[name].commit("counted", value, expected=expected - 1)
            return
        self.sessions[name].commit("counted", value, expected=expected)
        self.counts[name] += 1
        self.revisions[name] += 1

    @precondition(lambda self: self.sessions)
    @rule(name=NAME)
    def append(self, name: str) -> None:
        if name in self.sessions:
            self.sessions[name].append("stepped", {})
            self.counts[name] += 100

    @precondition(lambda self: self.sessions)
    @rule(name=NAME)
    def close(self, name: str) -> None:
        if name in self.sessions:
            self.sessions.pop(name).close()

    @precondition(lambda self: self.sessions)
    @rule(name=NAME)
    def die(self, name: str) -> None:
        """The holder dies without letting go: the next learns of it, and the dead one writes nothing."""
        if name not in self.sessions:
            return
        self.lost.append(self.sessions.pop(name))
        dead = dead_holder("model")
        with self.repository.database.writing() as connection:
            held = sa.update(NAMES).where(self.repository._names.of(name))
            connection.execute(held.values(holder=dead.model_dump_json(), fence=NAMES.c.fence + 1))
        with self.repository.open(name) as session:
            assert session.crashed == dead

    @precondition(lambda self: self.lost)
    @rule(appends=st.booleans())
    def come_back(self, appends: bool) -> None:
        """A holder that was taken over tries to go on."""
        session = self.lost.pop()
        if appends:
            with pytest.raises(LeaseLost):
                session.append("stepped", {})
        else:
            with pytest.raises(LeaseLost):
                session.commit("counted", Counter(), expected=session.head.revision)
        with pytest.raises(LeaseLost):
            session.check()
        session.close()

    @rule(name=NAME, stale=st.booleans())
    def delete(self, name: str, stale: bool) -> None:
        if name not in self.counts:
            return
        head = self.repository.load(name).head
        if name in self.sessions:
            with pytest.raises(Locked):
                self.repository.delete(name, expected=head)
        elif stale:
            wrong = type(head)("x" * 32, head.seq, head.revision, head.hash, head.size)
            with pytest.raises(Stale):
                self.repository.delete(name, expected=wrong)
        else:
            self.repository.delete(name, expected=head)
            del self.counts[name], self.revisions[name]

    @invariant()
    def the_record_is_as_expected(self) -> None:
        assert self.repository.names() == sorted(self.counts)
        documents = {name: content for name, content, _ in self.repository.documents()}
        for name, count in self.counts.items():
            loaded = self.repository.load(name)
            assert (loaded.value.count, loaded.head.revision) == (count, self.revisions[name])
            assert f'"count":{count},'.encode() in bytes(documents[name])  # type: ignore[arg-type]
            assert [each.seq for each in self.repository.history(name)] == list(
                range(1, loaded.head.seq + 1)
            )
            holder: Holder | None = self.repository.holder(name)
            session = self.sessions.get(name)
            assert holder == (session.holder if session is not None else None)


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Life,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_file_of_sqlite_follows_the_model() -> None:
    run(examples=10, steps=25)


def test_postgresql_follows_the_model(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Life, "url", postgres_url)
    run(examples=5, steps=25)


@pytest.mark.soak
def test_many_lives_follow_the_model(any_sql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Life, "url", any_sql_url)
    run(examples=150, steps=60)
