"""The names that change are told, whichever process changes them, and however the kernel helps."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path

import pytest

from statechart.following.names import NameChanges
from statechart.following.notices import NoNotices, Notice, Notices
from statechart.following.signs import Signs
from statechart.storage.layout import Layout

HOLD = """if True:
    import fcntl, sys
    lock = open(sys.argv[1], "w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    print('{"pid": 1}', file=lock, flush=True)
    print("held", flush=True)
    input()
"""


class Limited(Notices):
    """Notices of a kernel that allows three watches."""

    def add(self, directory: Path, *, follow: bool = True) -> bool:
        if len(self) >= 3 and directory not in self:
            raise NoNotices("the limit fs.inotify.max_user_watches is reached")
        return super().add(directory, follow=follow)


def refused() -> Notices:
    raise NoNotices("the limit fs.inotify.max_user_instances is reached")


KERNELS: dict[str, Callable[[], Notices]] = {"whole": Notices, "limited": Limited, "none": refused}


@pytest.fixture(params=KERNELS)
def notices(request: pytest.FixtureRequest) -> Callable[[], Notices]:
    return KERNELS[request.param]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    (root / ".locks").mkdir(parents=True)
    for name in ("a", "b", "c"):
        write(root, name)
    return root


def write(root: Path, name: str, text: str = "{}\n") -> None:
    (root / name).mkdir(parents=True, exist_ok=True)
    with (root / name / "history.jsonl").open("a") as journal:
        journal.write(text)


async def told(changes: AsyncIterator[frozenset[str]], *names: str) -> None:
    """Wait until each of the names, and no other, was told."""
    async with asyncio.timeout(30):
        left = set(names)
        while left:
            found = await anext(changes)
            assert found <= set(names)
            left -= found


def noticed(root: Path, notices: Callable[[], Notices]) -> NameChanges:
    return NameChanges(root, notices, pause=0.01)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_each_kind_of_change_is_told(root: Path, notices: Callable[[], Notices]) -> None:
    noticing = noticed(root, notices)
    async with aclosing(noticing.names()) as changes:
        assert await anext(changes) == {"a", "b", "c"}

        write(root, "a")
        await told(changes, "a")
        (root / "b" / "new").write_text("{}")
        (root / "b" / "new").rename(root / "b" / "state.json")
        await told(changes, "b")
        write(root, "d")
        await told(changes, "d")
        write(root, "d")
        await told(changes, "d")
        (root / "c").rename(root / ".trash")
        await told(changes, "c")
        write(root, "c")
        await told(changes, "c")
        write(root, "c")
        await told(changes, "c")


async def test_a_purged_name_that_is_created_again_is_told(
    root: Path, notices: Callable[[], Notices]
) -> None:
    async with aclosing(noticed(root, notices).names()) as changes:
        await anext(changes)
        for _ in range(3):
            shutil.rmtree(root / "a")
            write(root, "a")
            await told(changes, "a")
        write(root, "a")
        await told(changes, "a")


@contextmanager
def holder(lock: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that holds a lock until it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


async def test_a_killed_holder_is_told(root: Path, notices: Callable[[], Notices]) -> None:
    async with aclosing(noticed(root, notices).names(every=0.2)) as changes:
        await anext(changes)
        with holder(root / ".locks" / "a.lock") as process:
            await told(changes, "a")  # the lock was taken
            while await anext(changes):
                pass

            process.kill()
            await told(changes, "a")


async def test_a_process_that_waits_for_a_lock_is_not_told(root: Path) -> None:
    lock = root / ".locks" / "a.lock"
    with holder(lock):
        async with aclosing(NameChanges(root).names()) as changes:
            await anext(changes)
            for _ in range(3):
                lock.open("a").close()
            write(root, "b")
            await told(changes, "b")


async def test_a_directory_that_vanishes_and_comes_back_is_followed(
    root: Path, notices: Callable[[], Notices]
) -> None:
    noticing = noticed(root, notices)
    async with aclosing(noticing.names(every=0.01)) as changes:
        await anext(changes)
        shutil.move(root, root.with_name("elsewhere"))
        await told(changes, "a", "b", "c")
        assert noticing.watching == f"polling: {root} does not exist" or notices is refused

        write(root.with_name("elsewhere"), "a")  # is not told
        write(root, "b")
        await told(changes, "b")
        write(root, "b")
        await told(changes, "b")


async def test_other_files_are_not_told(root: Path) -> None:
    async with aclosing(NameChanges(root).names(every=0.2)) as changes:
        await anext(changes)
        (root / "a" / "service.log").write_text("a line")
        (root / "a" / ".state.json.new").write_text("half")
        (root / "a" / "build").mkdir()
        (root / "a" / "build" / "state.json").write_text("of another program")
        (root / "notes.txt").write_text("of a person")
        (root / ".new").mkdir()
        (root / ".locks" / "..lock").write_text("")

        assert await anext(changes) == frozenset()


@pytest.mark.parametrize(
    ("kernel", "watching"),
    [
        ("whole", "inotify"),
        ("limited", "polling: the limit fs.inotify.max_user_watches is reached"),
        ("none", "polling: the limit fs.inotify.max_user_instances is reached"),
    ],
)
async def test_how_changes_are_noticed_is_said(root: Path, kernel: str, watching: str) -> None:
    noticing = NameChanges(root, KERNELS[kernel])
    before = descriptors()
    async with aclosing(noticing.names()) as changes:
        await anext(changes)
        assert noticing.watching == watching
    assert descriptors() <= before


async def test_what_changes_while_the_caller_is_busy_is_told_together(root: Path) -> None:
    async with aclosing(NameChanges(root).names()) as changes:
        await anext(changes)
        for name in ("a", "b", "c", "a"):
            write(root, name)
        assert await anext(changes) == {"a", "b", "c"}


async def test_names_are_looked_at_when_notices_were_lost(root: Path) -> None:
    class Lossy(Notices):
        """Notices of a kernel whose queue is full."""

        async def wait(self, within: float) -> list[Notice]:
            await super().wait(within)
            return [Notice(None)]

    async with aclosing(NameChanges(root, Lossy).names()) as changes:
        await anext(changes)
        write(root, "b")
        write(root, "new")
        await told(changes, "b", "new")


@pytest.mark.parametrize("every", [None, 0.02])
async def test_nothing_is_done_while_nothing_changes(root: Path, every: float | None) -> None:
    waits: list[float] = []

    class Counted(Notices):
        """Notices that count how often they are waited for."""

        async def wait(self, within: float) -> Sequence[Notice]:
            waits.append(within)
            return await super().wait(within)

    changes = NameChanges(root, Counted, net=0.02).names(every=every)
    with suppress(TimeoutError):
        async with asyncio.timeout(0.6), aclosing(changes):
            async for _ in changes:
                pass

    assert len(waits) < 80  # a busy loop has thousands, and the net and the ticks have 60
    assert len(waits) > 1 or every is None


def test_the_net_tells_no_name_twice(root: Path) -> None:
    signs = Signs(Layout(root))
    assert signs.sweep(locks=False) == {"a", "b", "c"}
    write(root, "a")
    write(root, "new")
    shutil.rmtree(root / "b")

    assert signs.look(["a", "new", "b", "c", "never"]) == {"a", "new", "b"}
    assert signs.sweep(locks=True) == frozenset()
