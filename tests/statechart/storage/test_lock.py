"""Exclusive locks: one holder for each name, across threads, tasks and processes."""

import asyncio
import fcntl
import os
import stat
import subprocess
import sys
import threading
import time

import pytest

from statechart.errors import LeaseLost, Locked, NotOurs, StorageError
from statechart.holder import Holder
from statechart.storage.disk import network_filesystem
from statechart.storage.lock import Lock, read_holder

HOLD = """
import sys
from pathlib import Path
from statechart.holder import Holder
from statechart.storage.lock import Lock
lock = Lock(Path(sys.argv[1]), "demo")
lock.acquire(Holder.current("hold"))
print("held", flush=True)
sys.stdin.read()
lock.release()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "demo.lock"


@pytest.fixture
def other(path):
    """Yield another process that holds the lock until its input ends."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def taken(path, command="work", timeout=0.0):
    lock = Lock(path, "demo")
    lock.acquire(Holder.current(command), timeout)
    return lock


def test_a_second_holder_is_refused_with_the_name_of_the_first(path):
    first = taken(path, "first")

    with pytest.raises(Locked, match="'demo' is locked: first, pid") as caught:
        taken(path)
    assert caught.value.holder == first.holder
    first.release()


def test_a_released_lock_is_free(path):
    taken(path).release()

    taken(path).release()


def test_the_same_object_does_not_get_in_twice(path):
    lock = taken(path)

    with pytest.raises(Locked):
        lock.acquire(Holder.current())
    lock.check()
    lock.release()


def test_two_paths_to_one_file_are_one_lock(path, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    lock = taken(path)

    with pytest.raises(Locked):
        taken(tmp_path / "link" / "demo.lock")
    lock.release()


def test_threads_exclude_each_other(path):
    inside, most = [], []

    def work():
        for _ in range(20):
            lock = taken(path, timeout=10)
            inside.append(1)
            most.append(len(inside))
            inside.pop()
            lock.release()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 80


async def test_tasks_exclude_each_other(path):
    async def work(command):
        lock = taken(path, command)
        await asyncio.sleep(0.01)
        lock.release()

    outcomes = await asyncio.gather(work("a"), work("b"), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [type(None), Locked]


def test_a_lock_can_be_released_by_another_thread(path):
    lock = taken(path)
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join()

    taken(path).release()


def test_another_process_is_refused_with_the_name_of_the_holder(path, other):
    with pytest.raises(Locked, match="hold, pid") as caught:
        taken(path)

    assert caught.value.holder is not None
    assert caught.value.holder.pid == other.pid
    assert caught.value.holder.is_alive()


def test_a_waiting_process_gets_in_when_the_holder_leaves(path, other):
    threading.Timer(0.1, other.stdin.close).start()

    lock = taken(path, timeout=10)

    assert lock.crashed is None
    lock.release()


def test_waiting_ends_with_the_timeout(path, other):
    start = time.monotonic()

    with pytest.raises(Locked):
        taken(path, timeout=0.2)
    assert time.monotonic() - start > 0.15


def test_a_holder_that_was_killed_is_found_and_its_lock_is_free(path, other):
    other.kill()
    other.wait()

    lock = taken(path)

    assert lock.crashed is not None
    assert (lock.crashed.pid, lock.crashed.command) == (other.pid, "hold")
    lock.release()


def test_a_killed_holder_frees_the_lock_before_it_is_reaped(path, other):
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)

    lock = taken(path)

    assert lock.crashed is not None
    assert lock.crashed.is_alive() is False
    lock.release()


def test_a_crash_is_reported_until_a_holder_has_seen_it(path, other):
    other.kill()
    other.wait()

    taken(path).release(undo=True)
    second = taken(path)
    second.release()
    third = taken(path)

    assert second.crashed is not None
    assert third.crashed is None
    third.release()


@pytest.mark.parametrize("content", [b"", b"{", b"[]\n", b'{"pid": 1}\n', b"\xff\n", b"null"])
def test_the_content_of_the_lock_file_never_decides(path, content):
    path.write_bytes(content)

    lock = taken(path)

    assert lock.crashed is None
    lock.release()


def test_a_lock_that_was_forgotten_is_free(path):
    taken(path)

    taken(path).release()


def test_releasing_twice_does_not_let_others_out(path):
    first = taken(path)
    first.release()
    second = taken(path)

    first.release()

    second.check()
    with pytest.raises(Locked):
        taken(path)
    second.release()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_lock_file_that_was_removed_is_noticed(path, replaced):
    lock = taken(path)
    lock.check()
    path.unlink()
    if replaced:
        path.touch()

    with pytest.raises(LeaseLost, match="removed or replaced"):
        lock.check()
    lock.release()


def test_a_released_lock_is_lost(path):
    lock = taken(path)
    lock.release()

    with pytest.raises(LeaseLost, match="released"):
        lock.check()


def test_the_lock_file_stays_and_is_for_its_user_alone(path):
    taken(path).release()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_children_do_not_inherit_the_lock(path):
    lock = taken(path)
    with subprocess.Popen(["sleep", "30"], close_fds=False) as child:
        lock.release()
        taken(path).release()
        child.kill()


def test_a_forked_child_does_not_hold_the_lock_and_can_not_release_it(path):
    lock = taken(path)
    if (child := os.fork()) == 0:
        lost = False
        try:
            lock.check()
        except LeaseLost:
            lost = True
        lock.release()
        os._exit(0 if lost else 1)

    assert os.waitpid(child, 0)[1] == 0
    lock.check()
    holder = read_holder(path)
    assert holder is not None
    assert holder.pid == os.getpid()
    lock.release()


def test_a_missing_lock_has_no_holder_and_reading_does_not_create_it(path):
    assert read_holder(path) is None
    assert not path.exists()


def test_the_holder_can_be_read_while_it_holds_and_not_after(path):
    lock = taken(path)
    assert read_holder(path) == lock.holder

    lock.release()

    assert read_holder(path) is None


def test_a_crashed_holder_does_not_hold_the_lock(path, other):
    other.kill()
    other.wait()

    assert read_holder(path) is None


def test_a_holder_that_did_not_say_who_it_is_is_still_one(path):
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        holder = read_holder(path)

    assert holder is not None
    assert (holder.pid, holder.is_alive()) == (os.getpid(), True)
    assert "python" in holder.command


def test_where_the_kernel_does_not_tell_a_silent_holder_is_unknown(path, monkeypatch):
    monkeypatch.setattr("statechart.storage.disk.lock_probe._LOCKS", path.with_name("no-such-file"))
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        holder = read_holder(path)

    assert holder is not None
    assert (holder.pid, holder.is_alive()) == (0, None)


def test_a_lock_file_from_the_far_future_still_has_a_holder(path):
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        os.utime(path, (2**40, 2**40))  # some file systems keep it, others the last time that they know

        holder = read_holder(path)

    assert holder is not None
    assert holder.since.year > 2100


def test_a_reader_that_looks_does_not_refuse_a_writer(path):
    taken(path).release()
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        threading.Timer(0.02, lambda: fcntl.flock(file, fcntl.LOCK_UN)).start()

        taken(path).release()


def test_a_lock_without_its_directory_is_a_storage_error(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(StorageError, match="cannot look at"):
        taken(tmp_path / "file" / "demo.lock")


def test_a_link_in_place_of_the_lock_is_refused(path, tmp_path):
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(NotOurs, match="is a symbolic link, where a file belongs"):
        taken(path)
    with pytest.raises(NotOurs, match="is a symbolic link, where a file belongs"):
        read_holder(path)


def test_a_full_disk_does_not_keep_anybody_from_the_lock(path, monkeypatch):
    def full(*_arguments):
        raise OSError(28, "full")

    monkeypatch.setattr(os, "pwrite", full)

    lock = taken(path)

    with pytest.raises(Locked):
        taken(path)
    lock.release()


MOUNTS = r"""22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home rw - nfs4 server:/home rw
31 30 0:41 / /home/ann\040b/local rw - xfs /dev/sdb rw
32 22 0:42 / /mnt rw - ext4 /dev/sdc rw
33 22 0:43 / /mnt rw - fuse.sshfs host: rw
"""


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("/data", None),
        ("/home", "nfs4"),
        ("/home/x/y", "nfs4"),
        ("/homes", None),
        ("/home/ann b/local/data", None),
        ("/mnt/x", "fuse.sshfs"),
    ],
)
def test_network_file_systems_are_recognised(tmp_path, where, kind):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)

    assert network_filesystem(where, mounts) == kind


def test_without_a_list_of_mounts_all_is_local(tmp_path):
    assert network_filesystem(tmp_path, tmp_path / "missing") is None
