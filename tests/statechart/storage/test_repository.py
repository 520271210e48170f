"""JsonFileRepository: lock, journal and document behind one commit."""

import errno
import json
import os
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from loguru import logger
from pydantic import AliasPath, BaseModel, Field, Json, RootModel, SecretStr, computed_field

from statechart.chart import Chart, Event, State
from statechart.errors import (
    AlreadyExists,
    CommitUncertain,
    Conflict,
    InvalidName,
    InvalidValue,
    LeaseLost,
    Locked,
    MigrationFailed,
    NotFound,
    NotOurs,
    OnNetwork,
    Stale,
    StorageError,
    UnknownState,
)
from statechart.holder import Holder
from statechart.storage import lock
from statechart.storage.disk import mounts
from statechart.storage.journal import Head
from statechart.storage.repository import JsonFileRepository


class Counter(BaseModel, frozen=True, extra="forbid"):
    count: int = 0
    label: str = "é"
    steps: tuple[str, ...] = ()


def with_step(counter, record):
    return counter.model_copy(update={"steps": (*counter.steps, record.data["step"])})


@pytest.fixture
def root(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def repository(root):
    return JsonFileRepository(root, Counter, fold=with_step, actor="ann")


@pytest.fixture
def demo(repository):
    return repository.create("demo", Counter())


def count(session, number=None):
    number = session.value.count + 1 if number is None else number
    value = session.value.model_copy(update={"count": number, "steps": ()})
    return session.commit("counted", value, expected=session.head.revision)


def test_a_created_value_is_loaded(repository):
    made = repository.create("demo", Counter(count=3), data={"why": "test"}, operation="op")

    assert repository.load("demo") == made
    assert (made.value, made.head.revision, made.head.seq, made.notes) == (Counter(count=3), 1, 1, ())
    (record,) = repository.history("demo")
    assert record.data == {"why": "test", "lineage": made.head.lineage, "name": "demo"}
    assert (record.type, record.actor, record.operation) == ("created", "ann", "op")


def test_a_lineage_can_be_given(repository):
    assert repository.create("demo", Counter(), lineage="mine").head.lineage == "mine"


def test_a_taken_name_is_refused_and_left_alone(repository, demo):
    with pytest.raises(AlreadyExists, match="'demo' already exists in"):
        repository.create("demo", Counter(count=9))

    assert repository.load("demo") == demo


def test_a_commit_is_the_next_revision(repository, demo):
    with repository.open("demo") as session:
        record = session.commit("counted", Counter(count=1), expected=1, data={"by": 1}, operation="op")

        assert (record.seq, record.revision, record.type) == (2, 2, "counted")
        assert (record.data, record.operation, record.actor) == ({"by": 1}, "op", "ann")
        assert (session.value, session.head.revision) == (Counter(count=1), 2)
    loaded = repository.load("demo")
    assert (loaded.value, loaded.head) == (Counter(count=1), session.head)


def test_a_step_keeps_the_revision_and_shows_in_the_value(repository, demo, root):
    document = (root / "demo/state.json").read_bytes()
    with repository.open("demo") as session:
        record = session.append("step", {"step": "a"})

        assert (record.seq, record.revision, record.value) == (2, 1, None)
        assert session.value.steps == ("a",)
        assert repository.load("demo").value.steps == ("a",)
    assert (root / "demo/state.json").read_bytes() == document


def test_a_commit_after_a_step_goes_on_from_it(repository, demo):
    with repository.open("demo") as session:
        session.append("step", {"step": "a"})
        count(session)
    with repository.open("demo") as session:
        session.append("step", {"step": "b"})
        assert (session.value, session.notes) == (Counter(count=1, steps=("b",)), ())


def test_the_document_shows_the_last_commit(repository, demo, root):
    with repository.open("demo") as session:
        count(session)

    shown = json.loads((root / "demo/state.json").read_text())

    head = {
        "schema_version": 1,
        "seq": 2,
        "head_hash": session.head.hash,
        "journal_size": session.head.size,
    }
    assert shown == json.loads(session.value.model_dump_json()) | head


@pytest.mark.parametrize("expected", [0, 1, 3])
def test_a_stale_save_is_refused_and_nothing_is_written(repository, demo, root, expected):
    with repository.open("demo") as session:
        count(session)
        before = (root / "demo/history.jsonl").read_bytes()

        with pytest.raises(Stale, match=f"at revision 2, not {expected}") as caught:
            session.commit("counted", Counter(count=9), expected=expected)

        assert (caught.value.expected, caught.value.actual) == (expected, 2)
        assert (root / "demo/history.jsonl").read_bytes() == before
        assert session.value.count == 1


def test_a_value_of_another_class_is_refused(repository, demo):
    class Other(BaseModel, frozen=True, extra="forbid"):
        pass

    with repository.open("demo") as session:
        with pytest.raises(TypeError, match="this repository stores Counter, not Other"):
            session.commit("counted", Other(), expected=1)
        count(session)


def test_data_that_is_not_json_is_refused_and_not_written(repository, demo):
    with repository.open("demo") as session:
        with pytest.raises(ValueError, match="serialize"):
            session.append("step", {"step": object()})
        count(session)
    assert repository.load("demo").head.seq == 2


@pytest.mark.parametrize("field", ["schema_version", "seq", "head_hash", "journal_size"])
def test_a_model_with_a_field_of_the_documents_is_refused(root, field):
    model = type("Model", (BaseModel,), {"__annotations__": {field: int}})

    with pytest.raises(TypeError, match=f"document of Model reserves these fields: {field}"):
        JsonFileRepository(root, model)


@pytest.mark.parametrize("version", [0, -1])
def test_a_repository_whose_schema_is_before_the_first_version_is_refused(root, version):
    with pytest.raises(ValueError, match="schema versions begin with 1"):
        JsonFileRepository(root, Counter, schema_version=version)


@pytest.mark.parametrize("model", [RootModel[int], dict, "Counter"])
def test_what_is_no_model_with_fields_is_refused(root, model):
    with pytest.raises(TypeError, match=r"is a RootModel|is not a model"):
        JsonFileRepository(root, model)


class Closed(BaseModel, frozen=True, extra="forbid"):
    width: int = Field(1, alias="w")

    @computed_field
    @property
    def area(self) -> int:
        return self.width**2


class Odd(BaseModel, frozen=True, serialize_by_alias=True):
    number: int = Field(1, validation_alias="n", serialization_alias="seq")
    first: int = Field(1, validation_alias=AliasPath("all", 0))
    raw: Json[list[int]] = Field([], alias="text")
    boxes: tuple[Closed, ...] = ()

    @computed_field
    @property
    def head_hash(self) -> int:
        return self.number


def test_fields_with_aliases_and_computed_fields_are_read_as_they_were_written(root):
    value = Odd(n=2, all=[3], text="[4]", boxes=(Closed(w=5),))
    repository = JsonFileRepository(root, Odd)
    repository.create("demo", value)

    assert repository.load("demo").value == value
    with repository.open("demo") as session:
        session.commit("same", session.value, expected=1)
    assert JsonFileRepository(root, Odd).load("demo").value == value


class Account(BaseModel, frozen=True):
    owner: str = ""
    keys: dict[str, tuple[SecretStr, ...]] = {}


def test_a_secret_that_only_asterisks_would_be_written_of_is_refused(root):
    repository = JsonFileRepository(root, Account)
    repository.create("sound", Account(owner="**********"))

    with pytest.raises(InvalidValue, match=r"asterisks instead of a secret \(keys\)"):
        repository.create("demo", Account(keys={"api": (SecretStr("hunter2"),)}))
    assert repository.names() == ["sound"]


def test_a_value_with_a_key_of_the_documents_is_refused(root):
    class Open(BaseModel, extra="allow"):
        pass

    with pytest.raises(TypeError, match="keys of the value: seq"):
        JsonFileRepository(root, Open).create("demo", Open.model_validate({"seq": 1}))


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".new", "a/b", "/a", "a\0", "-a", "_a", "a b", "é", "a\n", "a" * 101]
)
def test_an_invalid_name_is_refused(repository, name):
    for use in (
        repository.load,
        repository.open,
        repository.exists,
        repository.history,
        repository.directory,
    ):
        with pytest.raises(InvalidName, match="can't be a name: use 1 to 100 letters"):
            use(name)
    with pytest.raises(ValueError, match="can't be a name"):
        repository.create(name, Counter())


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "0", "a" * 100])
def test_other_names_are_taken(repository, name):
    repository.create(name, Counter())

    assert repository.names() == [name]
    with repository.open(name) as session:
        count(session)


def test_an_unknown_name_is_not_found_and_not_created(repository, root):
    for use in (repository.load, repository.open, repository.history, repository.holder):
        with pytest.raises(NotFound, match=f"there is no 'demo' in {root}"):
            use("demo")

    assert not root.exists()
    assert repository.names() == list(repository.documents()) == []


def test_no_lock_is_made_for_an_unknown_name(repository, demo, root):
    with pytest.raises(NotFound):
        repository.open("other")
    with pytest.raises(NotFound):
        repository.delete("other", expected=demo.head)

    assert [each.name for each in (root / ".locks").iterdir()] == ["demo.lock"]


def test_a_relative_root_stays_where_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    repository = JsonFileRepository("data", Counter)
    (tmp_path / "else").mkdir()
    monkeypatch.chdir(tmp_path / "else")

    repository.create("demo", Counter())

    assert (tmp_path / "data/demo/state.json").exists()
    assert repository.directory("demo") == tmp_path / "data/demo"


def test_names_are_sorted_and_only_of_directories_and_links_in_their_place(repository, root):
    for name in ("b", "a", "C"):
        repository.create(name, Counter())
    (root / "file").touch()
    (root / ".hidden").mkdir()
    (root / "link").symlink_to(root / "a")
    (root / "another").symlink_to(root / "file")

    assert repository.names() == ["C", "a", "b", "link"]
    with pytest.raises(NotOurs, match="is a symbolic link"):
        repository.load("link")


def test_everything_is_for_its_user_alone(repository, demo, root):
    with repository.open("demo") as session:
        count(session)

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [root, *root.rglob("*")]}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert len(modes) >= 6


def test_a_second_session_is_refused_until_the_first_is_closed(repository, demo):
    with repository.open("demo", command="first") as session:
        with pytest.raises(Locked, match="first, pid") as caught:
            repository.open("demo")
        assert caught.value.holder == session.holder == repository.holder("demo")

    assert repository.holder("demo") is None
    repository.open("demo").close()


def test_a_holder_can_be_given(repository, demo):
    holder = Holder.current("mine")
    with repository.open("demo", holder=holder) as session:
        assert session.holder == holder


def test_a_session_that_failed_lets_others_in(repository, demo):
    with pytest.raises(RuntimeError), repository.open("demo"):
        raise RuntimeError
    repository.open("demo").close()


def test_a_closed_session_refuses_everything_and_closes_again(repository, demo):
    session = repository.open("demo")
    session.close()
    session.close()

    for use in (session.check, lambda: count(session), lambda: session.append("step", {"step": "a"})):
        with pytest.raises(LeaseLost, match="closed"):
            use()
    assert repository.load("demo") == demo


def test_a_holder_that_did_not_release_is_reported_once(repository, demo, root):
    died = Holder.current("died")
    (root / ".locks/demo.lock").write_text(died.model_dump_json() + "\n")

    with repository.open("demo") as session:
        assert session.crashed == died
    with repository.open("demo") as session:
        assert session.crashed is None


def test_an_open_that_fails_does_not_hide_a_crash(repository, demo, root):
    (root / ".locks/demo.lock").write_text(Holder.current("died").model_dump_json() + "\n")
    journal = (root / "demo/history.jsonl").rename(root / "demo/away")
    with pytest.raises(StorageError):
        repository.open("demo")

    journal.rename(root / "demo/history.jsonl")
    with repository.open("demo") as session:
        assert session.crashed is not None


@pytest.mark.parametrize("file", [".locks/demo.lock", "demo/history.jsonl"])
def test_a_file_removed_under_a_session_is_noticed_and_nothing_is_written(repository, demo, root, file):
    with repository.open("demo") as session:
        (root / file).rename(root / "away")
        before = (root / "away").read_bytes(), (root / "demo/state.json").read_bytes()

        with pytest.raises(LeaseLost, match=file):
            count(session)
        with pytest.raises(LeaseLost, match=file):
            session.append("step", {"step": "a"})

        assert ((root / "away").read_bytes(), (root / "demo/state.json").read_bytes()) == before
        assert session.value == demo.value


def test_a_second_holder_through_a_removed_lock_loses_against_the_first(repository, demo, root):
    script = """
import sys
from pydantic import BaseModel
from statechart.storage.repository import JsonFileRepository
class Counter(BaseModel):
    count: int = 0
    label: str = ""
    steps: tuple[str, ...] = ()
with JsonFileRepository(sys.argv[1], Counter).open("demo") as session:
    session.commit("counted", Counter(count=50), expected=1)
"""
    with repository.open("demo") as session:
        (root / ".locks/demo.lock").unlink()
        subprocess.run([sys.executable, "-c", script, str(root)], check=True)

        with pytest.raises(LeaseLost):
            count(session)

    assert repository.load("demo").value.count == 50


def test_a_replaced_environment_is_noticed_by_an_old_session(repository, demo, root):
    with repository.open("demo") as session:
        (root / "demo").rename(root / ".gone")
        repository.create("demo", Counter(count=7))

        with pytest.raises(LeaseLost):
            count(session)
    assert repository.load("demo").value.count == 7


@pytest.fixture
def warnings():
    lines = []
    sink = logger.add(lambda line: lines.append(line.record), level="WARNING")
    logger.enable("statechart")
    yield lines
    logger.disable("statechart")
    logger.remove(sink)


def test_a_document_that_can_not_be_replaced_is_a_warning_and_made_good(
    repository, demo, root, monkeypatch, warnings
):
    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "full")

    with repository.open("demo") as session:
        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", full)
            count(session)
        assert json.loads((root / "demo/state.json").read_text())["count"] == 0
        assert repository.load("demo").value.count == session.value.count == 1

        count(session)

    assert json.loads((root / "demo/state.json").read_text())["count"] == 2
    assert ["Projection behind: 'demo' is saved" in line["message"] for line in warnings] == [True]
    assert "the disk is full" in warnings[0]["message"]


def test_the_log_is_silent_until_it_is_enabled(repository, demo, monkeypatch):
    lines = []
    sink = logger.add(lines.append)
    monkeypatch.setattr(os, "rename", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EIO, "bad")))
    with repository.open("demo") as session:
        count(session)

    logger.remove(sink)
    assert lines == []


def test_a_sink_that_fails_does_not_break_a_commit(repository, demo, monkeypatch, warnings):
    def broken(_line):
        raise RuntimeError

    sink = logger.add(broken, catch=False)
    monkeypatch.setattr(os, "rename", lambda *_, **__: (_ for _ in ()).throw(OSError(errno.EIO, "bad")))
    with repository.open("demo") as session:
        count(session)
        assert session.value.count == 1
    logger.remove(sink)


def test_readers_see_only_whole_revisions_while_a_writer_commits(repository, demo):
    seen, done = [], threading.Event()

    def read():
        while not done.is_set():
            loaded = repository.load("demo")
            seen.append(loaded.value.count + 1 == loaded.head.revision)

    reader = threading.Thread(target=read)
    reader.start()
    with repository.open("demo") as session:
        for _ in range(60):
            count(session)
            session.append("step", {"step": "a"})
    done.set()
    reader.join()
    assert len(seen) > 5
    assert all(seen)


def test_documents_can_be_listed_without_parsing_the_model(repository, demo, root):
    repository.create("other", Counter(count=5))

    listed = list(repository.documents())

    assert [(name, behind) for name, _, behind in listed] == [("demo", False), ("other", False)]
    assert json.loads(listed[1][1])["count"] == 5


def test_a_listing_tells_which_documents_are_not_all(repository, demo, root):
    for name in ("missing", "torn", "step"):
        repository.create(name, Counter())
    (root / "missing/state.json").unlink()
    (root / "torn/state.json").write_bytes((root / "torn/state.json").read_bytes()[:40])
    with repository.open("step") as session:
        session.append("step", {"step": "a"})

    behind = {name: behind for name, _, behind in repository.documents()}

    assert behind == {"demo": False, "missing": True, "torn": True, "step": True}


def test_a_listing_continues_after_an_unreadable_document(repository, demo, root):
    repository.create("linked", Counter())
    (root / "linked/state.json").unlink()
    (root / "linked/state.json").symlink_to(root / "demo/state.json")
    (root / "foreign").mkdir()
    repository.create("last", Counter())

    listed = {name: found for name, found, _ in repository.documents()}

    assert list(listed) == ["demo", "foreign", "last", "linked"]
    assert isinstance(listed["linked"], NotOurs)
    assert isinstance(listed["foreign"], NotOurs)
    assert isinstance(listed["last"], bytes)


def test_a_deleted_name_is_free_again_under_another_lineage(repository, demo, root):
    (root / "demo/local").mkdir()
    (root / "demo/local/app.log").touch()

    repository.delete("demo", expected=demo.head)

    assert not repository.exists("demo")
    assert list((root / ".trash").iterdir()) == []
    assert repository.create("demo", Counter()).head.lineage != demo.head.lineage


@pytest.mark.parametrize(
    ("lineage", "revision", "message"), [(None, 2, "revision 1, not 2"), ("other", 1, "purged and created")]
)
def test_something_else_than_expected_is_not_deleted(repository, demo, lineage, revision, message):
    expected = Head(lineage or demo.head.lineage, 1, revision, demo.head.hash, demo.head.size)

    with pytest.raises(Stale, match=message):
        repository.delete("demo", expected=expected)

    assert repository.load("demo") == demo
    repository.open("demo").close()


def test_what_is_held_is_not_deleted(repository, demo):
    with repository.open("demo"), pytest.raises(Conflict):
        repository.delete("demo", expected=demo.head)


def test_a_network_file_system_is_refused_unless_allowed(repository, root, tmp_path, monkeypatch):
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(f"1 0 0:1 / {tmp_path} rw - nfs4 server: rw\n")
    monkeypatch.setattr(mounts, "_MOUNTINFO", mountinfo)

    with pytest.raises(OnNetwork, match=r"network file system \(nfs4\).*allow_network_filesystem"):
        repository.create("demo", Counter())
    assert not root.exists()

    JsonFileRepository(root, Counter, allow_network_filesystem=True).create("demo", Counter())
    assert repository.load("demo").value == Counter()
    with pytest.raises(StorageError, match="nfs4"):
        repository.open("demo")


def test_readers_leave_no_trace(repository, demo, root):
    (root / "demo/state.json").unlink()
    before = sorted(root.rglob("*"))

    repository.load("demo")
    repository.history("demo")
    repository.holder("demo")
    list(repository.documents())

    assert sorted(root.rglob("*")) == before


def test_a_root_that_is_a_file_is_a_clear_error(tmp_path):
    (tmp_path / "data").touch()
    repository = JsonFileRepository(tmp_path / "data", Counter)

    with pytest.raises(StorageError, match="data"):
        repository.create("demo", Counter())
    with pytest.raises(NotFound):
        repository.load("demo")


@contextmanager
def as_nobody():
    """Drop root's rights, which no file mode limits."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_root_without_permission_is_a_clear_error():
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "data"
        root.mkdir()
        root.chmod(0o555)
        Path(place).chmod(0o755)

        with as_nobody(), pytest.raises(StorageError, match="permission denied"):
            JsonFileRepository(root, Counter).create("other", Counter())

        assert list(root.iterdir()) == []
        root.chmod(0o755)


def test_the_store_does_not_load_the_engine_and_reading_no_lock(repository, demo, root):
    script = (
        "import sys; from pydantic import BaseModel\n"
        "from statechart.storage.repository import JsonFileRepository\n"
        "class Any(BaseModel, extra='allow'): pass\n"
        f"assert JsonFileRepository({str(root)!r}, Any).load('demo').head.revision == 1\n"
        "assert not {'statemachine', 'filelock'} & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", script], check=True)


def test_an_uncertain_session_refuses_and_the_next_session_decides(repository, demo, monkeypatch):
    def bad(*_arguments):
        raise OSError(errno.EIO, "bad")

    with repository.open("demo") as session:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", bad)
            patch.setattr(os, "ftruncate", bad)
            with pytest.raises(CommitUncertain):
                count(session)
        with pytest.raises(CommitUncertain):
            count(session)

    with repository.open("demo") as session:
        assert session.value.count == 1
        count(session)


def test_a_lock_is_where_no_purge_removes_it(repository, demo):
    repository.open("demo").close()
    repository.delete("demo", expected=demo.head)

    assert lock.read_holder(Path(repository.directory("demo").parent / ".locks/demo.lock")) is None
    assert (repository.directory("demo").parent / ".locks/demo.lock").exists()


@pytest.mark.parametrize("name", [None, 3, b"demo", ["demo"]])
def test_a_name_that_is_no_string_is_an_invalid_name(repository, name):
    for use in (
        repository.open,
        repository.load,
        repository.history,
        repository.exists,
        lambda name: repository.create(name, Counter()),
    ):
        with pytest.raises(InvalidName, match="can't be a name"):
            use(name)


def unfit(record):
    return record.value["price"]


@pytest.mark.parametrize(
    ("migration", "problem", "cause"),
    [
        (unfit, "KeyError: 'price'", KeyError),
        (lambda record: None, "it returned a NoneType, not a Record", type(None)),
    ],
    ids=["raises", "returns nothing"],
)
def test_a_migration_that_fails_is_told_with_record_version_and_file(
    root, repository, demo, migration, problem, cause
):
    with repository.open("demo") as session:
        count(session)
    migrating = JsonFileRepository(root, Counter, schema_version=2, migrations={1: migration})
    path = root / "demo/history.jsonl"

    for read, line in {migrating.load: 2, migrating.history: 1, migrating.open: 2}.items():
        with pytest.raises(MigrationFailed) as failed:
            read("demo")
        assert str(failed.value) == (
            f"record {line} of 'demo' ({path}, line {line}) can't be migrated from schema version 1 to 2: "
            f"{problem}; nothing was touched: correct migrations[1]"
        )
        assert isinstance(failed.value.__cause__, cause)
    assert repository.load("demo").value.count == 1


class Door(BaseModel, frozen=True):
    state: str | None = "shut"


class DoorChart(Chart):
    shut = State("shut", initial=True)
    open_ = State("open", value="open")
    turn = Event(shut.to(open_))
    turn_back = Event(open_.to(shut))


def test_a_value_in_a_state_that_its_chart_lacks_is_not_recorded(root):
    doors = JsonFileRepository(root, Door, chart=DoorChart)

    with pytest.raises(UnknownState, match="DoorChart has no state 'opne': did you mean 'open'"):
        doors.create("front", Door(state="opne"))
    assert doors.names() == []
    doors.create("back", Door(state=None))
    doors.create("front", Door())
    with doors.open("front") as session:
        with pytest.raises(UnknownState, match="DoorChart has no state 'banana'"):
            session.commit("painted", Door(state="banana"), expected=1)
        session.commit("opened", Door(state="open"), expected=1)
    assert doors.load("front").value == Door(state="open")


def test_a_record_of_a_transition_has_its_event_and_payload(repository, demo):
    data = {"event": "pay", "from_state": "draft", "to_state": "paid", "payload": {"amount": 7}}
    with repository.open("demo") as session:
        session.commit("transition", session.value, expected=1, data=data)
        session.append("note", {"event": "pay", "payload": {"amount": 7}, "step": "noted"})

    created, taken, noted = repository.history("demo")
    assert (taken.event, taken.to_state, taken.payload) == ("pay", "paid", {"amount": 7})
    assert [(each.event, each.to_state, each.payload) for each in (created, noted)] == [
        (None, None, {})
    ] * 2
