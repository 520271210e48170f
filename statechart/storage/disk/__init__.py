"""Calls to the operating system: files that are ours, never reached through a symbolic link."""

from statechart.storage.disk.directories import (
    PRIVATE_DIRECTORY,
    entries,
    make_directory,
    private_directory,
    remove_tree,
    rename,
    require_directory,
    sync_directory,
)
from statechart.storage.disk.failures import failure, translated
from statechart.storage.disk.files import (
    PRIVATE_FILE,
    create_file,
    keep,
    read_file,
    read_open,
    read_regular,
    remove_file,
    replace_file,
    require_file,
    require_in_place,
    write_all,
)
from statechart.storage.disk.mounts import network_filesystem
from statechart.storage.disk.paths import PASS, AnyPath, OwnPath

__all__ = [
    "PASS",
    "PRIVATE_DIRECTORY",
    "PRIVATE_FILE",
    "AnyPath",
    "OwnPath",
    "create_file",
    "entries",
    "failure",
    "keep",
    "make_directory",
    "network_filesystem",
    "private_directory",
    "read_file",
    "read_open",
    "read_regular",
    "remove_file",
    "remove_tree",
    "rename",
    "replace_file",
    "require_directory",
    "require_file",
    "require_in_place",
    "sync_directory",
    "translated",
    "write_all",
]
