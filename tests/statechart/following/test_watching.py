"""Changes of files are told as they happen."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from statechart.following.notices import NoNotices, Notices
from statechart.following.watching import Watch


async def seen(watch: Watch, path: Path) -> None:
    """Wait until a change of a path is told."""
    async with asyncio.timeout(30):
        while path not in await watch.changed():
            pass


async def test_files_made_changed_and_removed_are_told(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    with Watch([tmp_path, tmp_path / "missing"]) as watch:
        file.write_text("one")
        await seen(watch, file)
        with file.open("a") as journal:
            journal.write("two")
        await seen(watch, file)
        file.unlink()
        await seen(watch, file)


async def test_nothing_is_told_of_directories_below(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    with Watch([tmp_path]) as watch:
        (below / "log").write_text("busy")
        (tmp_path / "journal").write_text("one")

        assert below / "log" not in await watch.changed(30)


async def test_time_is_up_without_a_change(tmp_path: Path) -> None:
    with Watch([tmp_path]) as watch:
        assert await watch.changed(0.01) == frozenset()


async def test_a_cancelled_wait_ends(tmp_path: Path) -> None:
    with Watch([tmp_path]) as watch:
        waiting = asyncio.create_task(watch.changed(600))
        await asyncio.sleep(0)
        waiting.cancel()

        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_time_passes_where_the_system_refuses(
    tmp_path: Path,
) -> None:
    def refused() -> Notices:
        raise NoNotices("the limit is reached")

    with Watch([tmp_path], notices=refused) as watch:
        assert await watch.changed(0.01) == frozenset()


async def test_paths_of_no_concern_are_not_told(tmp_path: Path) -> None:
    with Watch([tmp_path], lambda path: path.name == "mine") as watch:
        (tmp_path / "other").write_text("busy")
        assert await watch.changed(0.05) == frozenset()
        (tmp_path / "other").write_text("busy")
        (tmp_path / "mine").write_text("one")
        assert await watch.changed(30) == {tmp_path / "mine"}
