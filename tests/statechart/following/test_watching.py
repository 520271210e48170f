"""Changes of files are told as they happen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from statechart.following import watching
from statechart.following.watching import Watch, changed_names


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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_paths: object, **_options: object) -> None:
        raise OSError("OS file watch limit reached")

    monkeypatch.setattr(watching, "RustNotify", refused)

    with Watch([tmp_path]) as watch:
        assert await watch.changed(0.01) == frozenset()


async def told(changes: AsyncIterator[frozenset[str]], *names: str) -> None:
    """Wait until each of the names, and no other, was told."""
    async with asyncio.timeout(30):
        left = set(names)
        while left:
            found = await anext(changes)
            assert found <= set(names)
            left -= found


async def test_names_are_told_whose_record_or_lock_changed(tmp_path: Path) -> None:
    root = tmp_path / "data"
    async with aclosing(changed_names(root, every=0.01)) as changes:
        assert await anext(changes) == await anext(changes) == frozenset()
        (root / "old").mkdir(parents=True)
        (root / "old" / "history.jsonl").write_text("1\n")
        await told(changes, "old")

        (root / "old" / "service.log").write_text("a line of another file\n")
        assert await anext(changes) == frozenset()
        (root / "new").mkdir()
        await told(changes, "new")

        (root / ".locks").mkdir()
        (root / ".locks" / "old.lock").write_text("held")
        (root / "new").rename(root / ".trash")
        await told(changes, "old", "new")


async def test_a_change_of_a_name_that_appeared_is_told_at_once(tmp_path: Path) -> None:
    async with aclosing(changed_names(tmp_path, every=3600)) as changes:
        await anext(changes)
        (tmp_path / "new").mkdir()
        await told(changes, "new")

        (tmp_path / "new" / "history.jsonl").write_text("1\n")
        await told(changes, "new")
