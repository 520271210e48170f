"""A database that keeps an event waiting does not keep the other tasks of an event loop waiting."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from statechart import ChartRepository
from tests import postgres
from tests.statechart.stored.counting import Counter, Counting


async def goes_on_beside(waiting: asyncio.Task[object]) -> None:
    """Check that other tasks run many times while one waits."""
    for _ in range(20):
        await asyncio.sleep(0.01)
    assert not waiting.done()


@pytest.fixture
def counters(tmp_path: Path) -> ChartRepository[Counter]:
    found = ChartRepository(f"sqlite:///{tmp_path}/c.db", Counting)
    found.create("c", Counter())
    return found


async def opens(counters: ChartRepository[Counter]) -> None:
    async with counters.aopen("c"):
        pass


async def fires(counters: ChartRepository[Counter]) -> None:
    await counters.afire("c", "count")


@pytest.mark.parametrize("work", [opens, fires])
async def test_the_loop_goes_on_while_a_transaction_of_another_program_is_waited_for(
    counters: ChartRepository[Counter],
    tmp_path: Path,
    work: Callable[[ChartRepository[Counter]], Awaitable[None]],
) -> None:
    with closing(sqlite3.connect(tmp_path / "c.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting: asyncio.Task[object] = asyncio.create_task(work(counters))  # type: ignore[arg-type]
        await goes_on_beside(waiting)
        other.execute("ROLLBACK")
    await waiting

    assert counters.load("c").count == (work is fires)
    assert counters.store.holder("c") is None


async def test_an_opening_that_is_cancelled_lets_the_name_go(
    counters: ChartRepository[Counter], tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "c.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting: asyncio.Task[object] = asyncio.create_task(fires(counters))
        await goes_on_beside(waiting)
        waiting.cancel()
        await goes_on_beside(waiting)
        other.execute("ROLLBACK")

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert counters.store.holder("c") is None
    assert counters.load("c").count == 0


async def test_the_loop_goes_on_while_a_server_is_away_in_the_middle_of_a_session() -> None:
    if not postgres.programs():
        postgres.missing("no PostgreSQL")
    with postgres.server(max(postgres.programs())) as server:
        counters = ChartRepository(server.url, Counting)
        counters.create("c", Counter())
        async with counters.aopen("c") as session:
            await session.afire("count")
            await asyncio.to_thread(server.stop, "immediate")
            waiting: asyncio.Task[object] = asyncio.create_task(session.afire("count"))
            await goes_on_beside(waiting)
            await asyncio.to_thread(server.start)
            await waiting

        assert counters.load("c").count == 2
        counters.store.database.close()  # type: ignore[attr-defined]
