"""Files of SQLite in the wrong place, and names and texts that databases treat in ways of their own."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from statechart.errors import InvalidName, OnNetwork, StorageError
from statechart.storage.sql.database import Database
from statechart.storage.sql.errors import DatabaseFailed, NotADatabase, ReadOnlyStore, StoreBusy, StoreFull
from statechart.storage.sql.inspection import inspect
from statechart.storage.sql.schema import ENGINE
from tests.statechart.storage.sql.conftest import Note, change, notes

Open = Callable[[str], Database]


def test_a_missing_directory_is_told_and_not_made(tmp_path: Path) -> None:
    store = notes(f"sqlite:///{tmp_path}/missing/store.db")

    assert store.names() == []
    with pytest.raises(DatabaseFailed, match=f"there is no directory {tmp_path}/missing; create"):
        store.create("a", Note())
    assert not list(tmp_path.iterdir())


def test_a_directory_is_not_a_database(tmp_path: Path) -> None:
    with pytest.raises(DatabaseFailed, match="this is a directory; name a file below"):
        notes(f"sqlite:///{tmp_path}").create("a", Note())


def test_a_directory_that_takes_no_files_is_told() -> None:
    with pytest.raises(ReadOnlyStore):
        notes("sqlite:////proc/store.db").create("a", Note())


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Root may write everywhere, so that root is another user for the time of a test."""
    before = os.geteuid()
    yield
    os.seteuid(before)


def become_another_user() -> None:
    if os.geteuid() == 0:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)


def test_a_read_only_file_can_be_read(open_place: Path, unprivileged: None) -> None:
    store = notes(f"sqlite:///{open_place}/store.db")
    store.create("a", Note())
    store.database.close()
    (open_place / "store.db").chmod(0o444)
    open_place.chmod(0o777)
    become_another_user()

    assert store.names() == ["a"]
    with pytest.raises(ReadOnlyStore, match="let this user write the file"):
        store.create("b", Note())
    assert not inspect(ENGINE, store.database).is_writable
    store.database.close()


def test_a_read_only_directory_is_told(open_place: Path, unprivileged: None) -> None:
    store = notes(f"sqlite:///{open_place}/store.db")
    store.create("a", Note())
    store.database.close()
    (open_place / "store.db").chmod(0o444)
    open_place.chmod(0o555)
    become_another_user()

    with pytest.raises(ReadOnlyStore, match="let this user write the file and its directory"):
        store.names()
    with pytest.raises(ReadOnlyStore):
        store.create("b", Note())


@pytest.mark.parametrize("content", [b"no database, but a text\n" * 100, b"\0" * 4096])
def test_a_file_of_another_kind_is_left_as_it_is(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    store = notes(f"sqlite:///{file}")

    with pytest.raises(NotADatabase, match="name another file"):
        store.create("a", Note())
    with pytest.raises(NotADatabase, match="name another file"):
        store.names()
    assert file.read_bytes() == content


def test_a_file_on_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 0:1 / / rw - ext4 disk rw\n2 1 0:2 / {tmp_path}/far rw - nfs4 server:/ rw\n")
    monkeypatch.setattr("statechart.storage.disk.mounts._MOUNTINFO", mounts)
    (tmp_path / "far").mkdir()

    with pytest.raises(OnNetwork, match="nfs4"):
        notes(f"sqlite:///{tmp_path}/far/store.db").create("a", Note())
    assert not list((tmp_path / "far").iterdir())


def test_a_full_disk_is_told_and_nothing_is_lost(tmp_path: Path, database_of: Open) -> None:
    store = notes(f"sqlite:///{tmp_path}/store.db")
    store.create("a", Note())
    with store.open("a") as session:
        with store.database.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreFull, match="free some space"):
            session.commit("changed", Note(text="x" * 100_000), expected=1)
        with store.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 100000")
        session.commit("changed", Note(text="y"), expected=1)

    assert store.load("a").value.text == "y"


def test_a_file_that_another_program_keeps_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statechart.storage.sql.engines._BUSY", 0.05)
    store = notes(f"sqlite:///{tmp_path}/store.db")
    store.create("a", Note())

    with store.database.writing() as _, pytest.raises(StoreBusy, match="keeps a transaction open"):
        change(store.database, "UPDATE envchart_name SET fence = fence")


def test_names_that_differ_by_case_or_accent_alone_are_names_of_their_own(any_sql_url: str) -> None:
    store = notes(any_sql_url)
    names = ["B", "a", "A", "a-b", "a.b", "a_b", "ab", "AB", "9"]
    for name in names:
        store.create(name, Note(text=name))

    assert store.names() == sorted(names)
    assert [store.load(name).value.text for name in names] == names
    for other in ("á", "a ", "a\0", ""):
        with pytest.raises(InvalidName):
            store.exists(other)


def test_collections_of_one_database_know_nothing_of_each_other(any_sql_url: str) -> None:
    ours, theirs = (notes(f"{any_sql_url}?collection={name}") for name in ("shop", "Shop"))
    ours.create("a", Note(text="ours"))

    assert theirs.names() == []
    theirs.create("a", Note(text="theirs"))
    assert (ours.load("a").value.text, theirs.load("a").value.text) == ("ours", "theirs")


@pytest.mark.parametrize(
    "text", ["a\0b", "\U0001f600 é", "\\u0000", "a\nb\r\n", "'; DROP TABLE x; --", "%s :x ?"]
)
def test_any_text_is_kept_as_it_is(text: str, any_sql_url: str) -> None:
    store = notes(any_sql_url)

    store.create("a", Note(text=text))

    assert store.load("a").value.text == text
    assert [document for _, document, _ in store.documents() if not isinstance(document, StorageError)]
