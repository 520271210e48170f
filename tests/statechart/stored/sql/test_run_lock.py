"""Of the runs of a name's effects, one has the right to run them, on whichever machine."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from pydantic import BaseModel

from statechart import Chart, ChartRepository, LeaseLost, Locked, State, effect
from statechart.holder import Holder
from statechart.stored.sql import run_lock

CALLS: list[str] = []


class Order(BaseModel, frozen=True):
    state: str = "draft"


class OrderChart(Chart[Order]):
    draft = State(initial=True)
    paid = State(final=True)
    pay = draft.to(paid)

    @effect(pay)
    def receipt(self, name: str) -> None:
        CALLS.append(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


@pytest.fixture
def orders(file: Path) -> ChartRepository[Order]:
    CALLS.clear()
    orders = ChartRepository(f"sqlite:///{file}", OrderChart)
    orders.create("A-1", Order())
    orders.fire("A-1", "pay")
    return orders


def on_record(file: Path, holder: Holder, seconds: float) -> None:
    """Write down that a holder runs the effects for some seconds more."""
    moment = "(julianday('now') - 2440587.5) * 86400.0"
    with sqlite3.connect(file) as connection:
        connection.execute(
            "INSERT OR REPLACE INTO envchart_effects (lineage, settled, holder, lease_until) "
            f"SELECT lineage, 0, ?, {moment} + ? FROM envchart_name",
            (holder.model_dump_json(), seconds),
        )
    connection.close()


def elsewhere() -> Holder:
    return Holder.current("run effects").model_copy(update={"host": "elsewhere", "boot_id": "other"})


def test_the_effects_that_another_machine_runs_are_left_to_it(
    orders: ChartRepository[Order], file: Path
) -> None:
    on_record(file, elsewhere(), 60)

    (outcome,) = orders.run_effects()

    assert (outcome.status, CALLS) == ("skipped", [])
    assert "another run has them ('A-1' is locked: run effects" in str(outcome.error)
    assert "elsewhere" in str(outcome.error)


def test_the_effects_of_a_machine_that_died_are_run_after_its_lease(
    orders: ChartRepository[Order], file: Path
) -> None:
    on_record(file, elsewhere(), -0.001)

    assert [each.status for each in orders.run_effects()] == ["done"]


def test_the_effects_of_a_process_of_this_machine_that_died_are_run_at_once(
    orders: ChartRepository[Order], file: Path
) -> None:
    ended = Holder.current("run effects").model_copy(update={"pid": 2**22 + 1})
    assert ended.is_alive() is False
    on_record(file, ended, 60)

    assert [each.status for each in orders.run_effects()] == ["done"]


def test_a_lease_is_renewed_while_an_effect_runs(
    orders: ChartRepository[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lock, "_BEAT", 0.02)
    lock = orders._effects._outbox.lock("A-1")
    lock.acquire(Holder.current("run effects"))
    assert isinstance(lock, run_lock.RowRunLock)
    begun = lock._renewed_at

    while lock._renewed_at == begun:
        lock.check()
    with pytest.raises(Locked):
        orders._effects._outbox.lock("A-1").acquire(Holder.current("run effects"))
    lock.release()

    other = orders._effects._outbox.lock("A-1")
    other.acquire(Holder.current("run effects"))
    other.release()


def test_no_effect_is_begun_without_a_lease(
    orders: ChartRepository[Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_lock, "_SURE", -1.0)  # as of a process that was paused

    lock = orders._effects._outbox.lock("A-1")
    lock.acquire(Holder.current("run effects"))
    with pytest.raises(LeaseLost):
        lock.check()
    lock.release()

    (outcome,) = orders.run_effects()

    assert (outcome.status, CALLS) == ("skipped", [])
    assert "could not be kept for a run of its effects" in str(outcome.error)


def test_a_name_that_is_deleted_leaves_no_row(orders: ChartRepository[Order], file: Path) -> None:
    orders.run_effects()

    orders.delete("A-1")

    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM envchart_effects").fetchone() == (0,)
    connection.close()
