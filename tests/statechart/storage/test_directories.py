"""Directories are created and removed atomically."""

import errno
import fcntl
import os
import shutil
from pathlib import Path

import pytest
from pydantic import BaseModel

from statechart.errors import AlreadyExists, CommitUncertain, NotOurs, StorageError
from statechart.storage import directories
from statechart.storage.layout import Layout
from statechart.storage.repository import JsonFileRepository


class Empty(BaseModel, frozen=True):
    """The smallest model."""


FILES = {"history.jsonl": b"1", "state.json": b"2"}


@pytest.fixture
def layout(tmp_path):
    layout = Layout(tmp_path / "data")
    directories.make_root(layout)
    return layout


def synced(monkeypatch):
    calls = []
    sync = directories.sync_directory
    monkeypatch.setattr(directories, "sync_directory", lambda path: (calls.append(str(path)), sync(path)))
    return calls


def test_the_names_that_lead_to_the_root_are_durable_even_if_a_dead_creator_made_them(
    tmp_path, monkeypatch
):
    (tmp_path / "srv/data").mkdir(parents=True)
    layout = Layout(tmp_path / "srv/data")
    calls = synced(monkeypatch)

    directories.make_root(layout)

    assert calls[:2] == [str(tmp_path / "srv"), str(tmp_path)]
    assert os.path.ismount(calls[-1])


def test_the_names_that_lead_to_the_root_are_synced_until_something_was_created(layout, monkeypatch):
    calls = synced(monkeypatch)
    directories.make_root(layout)
    assert calls

    directories.build(layout, "demo", FILES)
    calls.clear()
    directories.make_root(layout)
    assert calls == []


def test_a_path_that_could_not_be_synced_is_reported(tmp_path, monkeypatch):
    def failing(_path):
        raise OSError(errno.EIO, "bad")

    monkeypatch.setattr(directories, "sync_directory", failing)

    with pytest.raises(StorageError, match="cannot make the directory"):
        directories.make_root(Layout(tmp_path / "data"))


def test_an_ancestor_that_this_user_may_not_read_is_left_out(tmp_path, monkeypatch):
    def denied(_path):
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(directories, "sync_directory", denied)

    directories.make_root(Layout(tmp_path / "data"))

    assert (tmp_path / "data").is_dir()


def test_a_directory_is_built_with_its_files(layout):
    directories.build(layout, "demo", FILES)

    found = {path.name: path.read_bytes() for path in (layout.root / "demo").iterdir()}
    assert found == FILES
    assert list(layout.new.iterdir()) == []


@pytest.mark.parametrize("kernel", [True, False])
def test_a_rename_never_replaces(tmp_path, monkeypatch, kernel):
    if not kernel:
        monkeypatch.setattr(directories, "_renameat2", lambda: None)
    for name in ("source", "target"):
        (tmp_path / name).mkdir()

    with pytest.raises(FileExistsError):
        directories.rename_exclusively(tmp_path / "source", tmp_path / "target")

    (tmp_path / "target").rmdir()
    directories.rename_exclusively(tmp_path / "source", tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_without_the_kernels_help_a_race_is_still_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(directories, "_renameat2", lambda: None)
    (tmp_path / "source").mkdir()
    (tmp_path / "target").mkdir()
    (tmp_path / "target/file").touch()
    monkeypatch.setattr(os.path, "lexists", lambda _path: False)

    with pytest.raises(FileExistsError):
        directories.rename_exclusively(tmp_path / "source", tmp_path / "target")


def test_another_failure_of_a_rename_is_raised(tmp_path):
    with pytest.raises(FileNotFoundError):
        directories.rename_exclusively(tmp_path / "missing", tmp_path / "target")


def test_a_race_that_is_lost_at_the_last_moment_is_a_conflict(layout, monkeypatch):
    directories.build(layout, "demo", FILES)
    checks = iter([None])
    require_free = directories.require_free
    monkeypatch.setattr(
        directories, "require_free", lambda *place: next(checks, "late") and require_free(*place)
    )

    with pytest.raises(AlreadyExists):
        directories.build(layout, "demo", {"history.jsonl": b"9"})

    assert (layout.root / "demo/history.jsonl").read_bytes() == b"1"
    assert list(layout.new.iterdir()) == []


def test_an_empty_directory_in_the_way_is_not_ours(layout):
    (layout.root / "demo").mkdir()

    with pytest.raises(NotOurs, match="holds neither"):
        directories.build(layout, "demo", FILES)


def test_a_link_in_place_of_the_making_directory_is_refused(layout, tmp_path):
    layout.new.symlink_to(tmp_path)

    with pytest.raises(NotOurs, match="symbolic link"):
        directories.build(layout, "demo", FILES)


def test_a_directory_that_may_not_last_is_uncertain(layout, monkeypatch):
    sync = directories.sync_directory

    def failing(path):
        if path == layout.root:
            raise OSError(errno.EIO, "bad")
        sync(path)

    monkeypatch.setattr(directories, "sync_directory", failing)
    with pytest.raises(CommitUncertain):
        directories.build(layout, "demo", FILES)
    with pytest.raises(CommitUncertain):
        directories.discard(layout, "demo")


def test_a_directory_that_can_not_be_moved_away_is_kept(layout, monkeypatch):
    directories.build(layout, "demo", FILES)
    monkeypatch.setattr(os, "rename", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EROFS, "no")))

    with pytest.raises(StorageError, match=r"cannot remove .*demo: the file system is read-only"):
        directories.discard(layout, "demo")

    assert len(list((layout.root / "demo").iterdir())) == 2


def test_sweeping_removes_leftovers_and_keeps_directories_in_the_making(layout):
    for place in ("left", "making"):
        (layout.new / place).mkdir(parents=True)
        (layout.new / place / "history.jsonl").touch()
    (layout.trash / "purged").mkdir(parents=True)
    (layout.trash / "purged/file").touch()
    descriptor = os.open(layout.new / "making", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    directories.sweep(layout)
    os.close(descriptor)

    assert [path.name for path in layout.new.iterdir()] == ["making"]
    assert list(layout.trash.iterdir()) == []


def test_sweeping_does_not_follow_links(layout, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").touch()
    (layout.trash / "purged").mkdir(parents=True)
    (layout.trash / "purged/link").symlink_to(tmp_path / "precious")

    directories.sweep(layout)

    assert (tmp_path / "precious/file").exists()


@pytest.mark.parametrize("place", ["new", "trash", "locks"])
def test_a_link_in_the_place_of_a_directory_of_ours_is_refused_before_anything_is_removed(tmp_path, place):
    (tmp_path / "victim/sub").mkdir(parents=True)
    (tmp_path / "victim/sub/file").touch()
    layout = Layout(tmp_path / "data")
    directories.make_root(layout)
    getattr(layout, place).symlink_to(tmp_path / "victim")

    with pytest.raises(NotOurs, match="is a symbolic link, where a directory belongs"):
        JsonFileRepository(layout.root, Empty).create("demo", Empty())
    directories.sweep(layout)

    assert [path.name for path in (tmp_path / "victim").rglob("*")] == ["sub", "file"]
    assert [path.name for path in layout.root.iterdir()] == [getattr(layout, place).name]


def test_a_directory_that_can_not_be_swept_does_no_harm(layout, monkeypatch):
    (layout.trash / "purged").mkdir(parents=True)
    monkeypatch.setattr(shutil, "rmtree", lambda *_args, **_options: None)

    directories.build(layout, "demo", FILES)
    directories.discard(layout, "demo")

    assert not (layout.root / "demo").exists()


def test_a_sweep_that_is_faster_than_a_creator_only_costs_a_try(layout, monkeypatch):
    claimed = directories._claimed
    tries = []

    def swept(directory):
        tries.append(directory)
        if len(tries) == 1:
            Path(directory).rmdir()
        return claimed(directory)

    monkeypatch.setattr(directories, "_claimed", swept)
    directories.build(layout, "demo", FILES)

    assert len(tries) == 2
    assert (layout.root / "demo/state.json").read_bytes() == b"2"
