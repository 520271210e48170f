from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import pytest

from environments.errors import StepFailed
from environments.providers.local import directories
from environments.providers.local.layout import Layout
from environments.system.files import remove_tree, write_private
from statechart.following.cancellation import in_thread


def names_in(directory):
    return [path.name for path in directory.iterdir()]


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "demo", lineage="abc", name="demo", instance_name="envchart-demo")


def test_a_missing_directory_is_created_again(layout):
    assert directories.create(layout)
    assert not directories.create(layout)

    Path(layout.config).rmdir()

    assert directories.create(layout)
    assert Path(layout.config).is_dir()


def test_an_interrupted_creation_is_started_again(layout):
    Path(layout.directory / ".local-new-abc").mkdir(parents=True)
    Path(layout.directory / ".local-new-abc" / "config").mkdir()

    directories.create(layout)

    assert layout.unclaimed == ""
    assert names_in(layout.directory) == ["local"]


def test_an_interrupted_removal_is_completed(layout):
    directories.create(layout)
    Path(layout.root).rename(layout.directory / ".local-gone-abc")
    assert directories.remains(layout) == [layout.root.parent / ".local-gone-abc"]

    directories.remove(layout)

    assert directories.remains(layout) == []


def test_removing_a_root_that_was_never_created_succeeds(layout):
    directories.remove(layout)

    assert directories.remains(layout) == []


def test_a_missing_root_is_reported_with_advice(layout):
    with pytest.raises(StepFailed, match="is gone: destroy the environment, then create it again"):
        layout.require()


def test_a_copy_of_the_root_for_another_name_belongs_to_the_original(layout):
    directories.create(layout)
    copy = Layout(layout.directory, lineage="abc", name="copy")

    assert copy.unclaimed == "it belongs to environment 'demo' (lineage abc)"


def test_a_private_file_is_replaced_atomically(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    path.chmod(0o644)

    write_private(path, "after")

    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("after", 0o600)
    assert names_in(tmp_path) == ["file"]


def test_a_link_is_removed_without_its_target(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to("kept")

    remove_tree(tmp_path / "link")
    remove_tree(tmp_path / "missing")

    assert names_in(tmp_path) == ["kept"]


@pytest.fixture
def nobodys():
    """A directory of the test's user, which is nobody instead of root: modes do not stop root."""
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


async def test_cancelling_work_in_a_thread_waits_for_its_end():
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
