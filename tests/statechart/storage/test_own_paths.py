"""Paths below a directory are reached without following a symbolic link."""

import os
import stat
from pathlib import Path

import pytest

from statechart.errors import NotOurs
from statechart.storage.disk import (
    OwnPath,
    create_file,
    entries,
    make_directory,
    read_file,
    read_regular,
    remove_file,
    remove_tree,
    rename,
    replace_file,
    require_directory,
    require_file,
    sync_directory,
)


@pytest.fixture
def root(tmp_path):
    """A directory with a victim beside it, and links to the victim in it."""
    (tmp_path / "victim/sub").mkdir(parents=True)
    (tmp_path / "victim/file").write_text("mine")
    (tmp_path / "root/real").mkdir(parents=True)
    (tmp_path / "root/real/file").write_text("ours")
    (tmp_path / "root/link").symlink_to(tmp_path / "victim")
    (tmp_path / "root/real/link").symlink_to(tmp_path / "victim/file")
    return tmp_path / "root"


ACTIONS = {
    "read": read_file,
    "create": lambda path: create_file(path.parent / "new", b"x"),
    "replace": lambda path: replace_file(path, b"x"),
    "remove a file": remove_file,
    "remove a tree": remove_tree,
    "rename from": lambda path: rename(path, OwnPath(path.root) / "moved"),
    "rename to": lambda path: rename(OwnPath(path.root) / "real" / "file", path),
    "make a directory": lambda path: make_directory(path.parent / "made"),
    "list": entries,
    "sync": sync_directory,
    "look": OwnPath.status,
    "require a file": require_file,
    "require a directory": require_directory,
}


def seen(place):
    return sorted((str(path), path.lstat().st_mtime_ns) for path in (place, *place.rglob("*")))


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_nothing_is_done_behind_a_link(root, action):
    before = seen(root.parent)

    for name in ("file", "sub/file"):
        with pytest.raises(NotOurs, match=r"root/link is a symbolic link, where a directory belongs"):
            action(OwnPath(root) / "link" / name)

    assert seen(root.parent) == before


def test_a_link_at_the_end_is_refused_replaced_or_removed_and_never_followed(root):
    link = OwnPath(root) / "real/link"
    with pytest.raises(NotOurs, match="is a symbolic link, where a file belongs"):
        read_file(link)
    with pytest.raises(NotOurs, match="is a symbolic link, where a directory belongs"):
        entries(OwnPath(root) / "link")

    replace_file(link, b"new")
    remove_tree(OwnPath(root) / "link")

    assert read_file(link) == b"new"
    assert (root.parent / "victim/file").read_text() == "mine"


def test_what_is_no_file_is_refused_without_waiting(root):
    os.mkfifo(root / "fifo")

    for action in (read_file, require_file, lambda path: path.open(os.O_WRONLY)):
        with pytest.raises(NotOurs, match="is not a regular file"):
            action(OwnPath(root) / "fifo")
    with pytest.raises(NotOurs, match="is not a regular file"):
        read_file(OwnPath(root) / "real")
    with pytest.raises(NotOurs, match="is not a directory"):
        read_file(OwnPath(root) / "real/file/below")


@pytest.mark.parametrize("name", ["../victim/file", "real/../../victim/file", "/etc/hostname"])
def test_no_name_leads_out(root, name):
    with pytest.raises(NotOurs, match="leads out of"):
        OwnPath(root) / name


def test_the_root_may_be_a_link(root, tmp_path):
    (tmp_path / "disk").symlink_to(root)

    assert read_file(OwnPath(tmp_path / "disk") / "real/file") == b"ours"
    assert [path.name for path in entries(OwnPath(tmp_path / "disk"))] == ["link", "real"]


def test_a_tree_of_any_mode_is_removed_and_the_target_of_a_link_keeps_its_mode(root):
    (root / "real/closed/deep").mkdir(parents=True)
    (root / "real/closed/out").symlink_to(root.parent / "victim")
    (root.parent / "victim").chmod(0o555)
    (root / "real/closed").chmod(0o000)

    remove_tree(OwnPath(root) / "real")

    assert not (root / "real").exists()
    assert stat.S_IMODE((root.parent / "victim").stat().st_mode) == 0o555
    assert (root.parent / "victim/sub").is_dir()


def test_a_path_elsewhere_is_a_plain_path(root):
    assert OwnPath.within(root, root / "real/file") == OwnPath(root, ("real", "file"))
    assert OwnPath.within(root, Path("/etc/hostname")) == OwnPath(Path("/etc"), ("hostname",))


def test_a_users_file_has_to_be_regular_and_of_limited_size(root):
    (root / "large").write_bytes(b"x" * 11)
    (root / "to file").symlink_to(root / "real/file")
    assert read_regular(root / "to file", 10) == b"ours"

    with pytest.raises(NotOurs, match="is larger than 10 bytes"):
        read_regular(root / "large", 10)
    with pytest.raises(NotOurs, match="is larger than 10 bytes"):
        read_regular(Path("/proc/self/status"), 10)
    with pytest.raises(NotOurs, match="is not a regular file"):
        read_regular(Path("/dev/zero"), 10)


def test_a_tree_of_any_depth_and_any_modes_is_removed(tmp_path: Path) -> None:
    place = tmp_path / "service"
    place.mkdir()
    nest(place, 2_000)
    (place / "other/inner").mkdir(parents=True)
    (place / "other/link").symlink_to(tmp_path)
    (place / "other/inner").chmod(0)
    (place / "other").chmod(0o500)

    remove_tree(OwnPath(tmp_path, ("service",)))

    assert list(tmp_path.iterdir()) == []


def nest(place: Path, levels: int) -> None:
    """Nest directories deeper than a path can be long, with a file in the innermost."""
    descriptor = os.open(place, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("directory", dir_fd=descriptor)
        above, descriptor = descriptor, os.open("directory", os.O_RDONLY, dir_fd=descriptor)
        os.close(above)
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)
