from __future__ import annotations

import asyncio
import errno
import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import psutil
import pytest

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.steps import file_error, translated
from environments.providers.local import directories
from environments.providers.local.layout import Layout
from environments.system.cancellation import in_thread
from environments.system.files import remove_tree, write_private


def names_in(directory):
    return [path.name for path in directory.iterdir()]


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "demo", lineage="abc", name="demo", instance_name="envchart-demo")


def test_what_is_missing_is_made_again(layout):
    assert directories.create(layout)
    assert not directories.create(layout)

    layout.config.rmdir()

    assert directories.create(layout)
    assert layout.config.is_dir()


def test_a_creation_cut_short_is_begun_anew(layout):
    (layout.directory / ".local-new-abc").mkdir(parents=True)
    (layout.directory / ".local-new-abc" / "config").mkdir()

    directories.create(layout)

    assert layout.unclaimed == ""
    assert names_in(layout.directory) == ["local"]


def test_a_removal_cut_short_is_finished(layout):
    directories.create(layout)
    layout.root.rename(layout.directory / ".local-gone-abc")
    assert directories.remains(layout) == [layout.directory / ".local-gone-abc"]

    directories.remove(layout)

    assert directories.remains(layout) == []


def test_removing_what_was_never_made_is_done(layout):
    directories.remove(layout)

    assert directories.remains(layout) == []


def test_a_directory_that_is_gone_is_told(layout):
    with pytest.raises(StepFailed, match="is gone: destroy the environment, then create it again"):
        layout.require()


def test_a_copy_for_another_name_is_not_its_own(layout):
    directories.create(layout)
    copy = Layout(layout.directory, lineage="abc", name="copy")

    assert copy.unclaimed == "it belongs to environment 'demo' (lineage abc)"


def test_a_private_file_is_replaced_at_once(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    path.chmod(0o644)

    write_private(path, "after")

    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("after", 0o600)
    assert names_in(tmp_path) == ["file"]


def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept")

    remove_tree(tmp_path / "link")
    remove_tree(tmp_path / "missing")

    assert names_in(tmp_path) == ["kept"]


@pytest.fixture
def nobodys():
    """A directory of the user that the test then is: nobody, where root runs it, whom modes do not stop."""
    with TemporaryDirectory() as name:
        if root := os.geteuid() == 0:
            os.chown(name, 65534, -1)
            os.seteuid(65534)
        yield Path(name)
        if root:
            os.seteuid(0)


def test_directories_without_write_permission_are_removed(nobodys):
    inner = nobodys / "tree" / "inner" / "most"
    inner.mkdir(parents=True)
    (inner / "file").write_text("")
    for place in (inner, inner.parent, inner.parent.parent):
        place.chmod(0o500)

    remove_tree(nobodys / "tree")

    assert names_in(nobodys) == []


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "/d/f: no space left on device; free some space, then try again"),
        (errno.EROFS, "/d/f: read-only file system; make the file system writable"),
        (errno.EISDIR, "/d/f: is a directory"),
    ],
)
def test_an_error_of_the_file_system_says_what_to_do(number, advice):
    failure = file_error(OSError(number, os.strerror(number), "/d/f"))

    assert failure.cause is FailureCause.FILE_SYSTEM
    assert failure.summary.startswith(advice)


async def test_a_full_disk_is_a_failure_of_the_file_system():
    full = Path("/dev/full")

    with pytest.raises(StepFailed, match="no space left on device; free some space") as caught:
        await translated(in_thread)(lambda: full.write_text("x" * 100_000))
    assert caught.value.cause is FailureCause.FILE_SYSTEM


async def test_a_process_that_may_not_be_handled_is_a_failure_of_the_infrastructure():
    def refuse() -> None:
        raise psutil.AccessDenied(1)

    with pytest.raises(StepFailed, match="a process could not be handled") as caught:
        await translated(in_thread)(refuse)
    assert caught.value.cause is FailureCause.INFRASTRUCTURE


async def test_work_in_a_thread_is_waited_for_when_it_is_cancelled():
    begun, ended, asked = Event(), Event(), Event()

    def work() -> None:
        begun.set()
        asked.wait(5)
        ended.set()

    task = asyncio.create_task(in_thread(work, on_cancel=asked.set))
    await asyncio.to_thread(begun.wait)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()
