"""The document: a projection of the journal for people and listings."""

import errno
import json
import os

import pytest

from statechart.errors import CorruptHistory, NewerSchema, NotOurs, StorageError
from statechart.storage import document
from statechart.storage.disk import replace_file
from statechart.storage.journal import Head

HEAD = Head("1a", seq=4, revision=3, hash="ab" * 32, size=1234)
VALUE = {"name": "demo", "ports": [1, 2], "nested": {"é": None}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.json"


def written(path, value=VALUE, head=HEAD):
    content = document.encode(value, head, 1)
    replace_file(path, content, durable=False)
    return content


def read(path, known=1):
    return document.read(path, "demo", known)


def test_a_document_is_the_models_fields_and_four_keys(path):
    written(path)

    keys = {"schema_version": 1, "seq": 4, "head_hash": "ab" * 32, "journal_size": 1234}
    assert list(json.loads(path.read_text()).items()) == [*VALUE.items(), *keys.items()]
    assert path.read_text().startswith('{\n  "name": "demo",\n  "ports": [\n')


@pytest.mark.parametrize("value", [VALUE, {}])
def test_a_written_document_is_read_back(path, value):
    written(path, value)

    found = read(path)

    assert found is not None
    assert found.value == value
    assert (found.seq, found.head_hash, found.journal_size) == (4, HEAD.hash, 1234)


def test_a_document_cut_at_any_byte_is_torn(path):
    content = written(path)
    for size in range(len(content) - 1):
        path.write_bytes(content[:size])

        assert (read(path) is None) == (size < len(content) - 1), size


def test_a_missing_document_is_none(path):
    assert read(path) is None


@pytest.mark.parametrize(
    "change",
    [{"seq": None}, {"seq": True}, {"head_hash": 1}, {"journal_size": "1"}, {"schema_version": None}],
)
def test_a_whole_document_that_names_no_record_is_damaged(path, change):
    path.write_text(json.dumps(json.loads(written(path)) | change))

    with pytest.raises(CorruptHistory, match=r"does not say which record.*remove this file"):
        read(path)


@pytest.mark.parametrize("version", [0, -1, -(2**70)])
def test_a_schema_version_before_the_first_is_refused(path, version):
    path.write_bytes(document.encode(VALUE, HEAD, version))

    with pytest.raises(CorruptHistory, match=r"schema_version is .*before the first.*remove this file"):
        read(path)


def test_a_document_that_is_not_an_object_is_damaged(path):
    path.write_text("[]")

    with pytest.raises(CorruptHistory, match="not a JSON object"):
        read(path)


def test_a_newer_document_is_refused(path):
    path.write_bytes(document.encode(VALUE, HEAD, 2))

    with pytest.raises(NewerSchema, match="version 2"):
        read(path)


def test_a_symbolic_link_is_refused(path, tmp_path):
    written(tmp_path / "other.json")
    path.symlink_to(tmp_path / "other.json")

    with pytest.raises(NotOurs, match="symbolic link"):
        read(path)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_a_path_that_is_not_a_file_is_refused_at_once(path, make):
    make(path)

    with pytest.raises(NotOurs, match="not a regular file"):
        read(path)


def test_a_file_that_can_not_be_read_says_why(path, monkeypatch):
    def denied(*_arguments):
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(os, "open", denied)

    with pytest.raises(StorageError, match=r"cannot read .*state.json: permission denied") as caught:
        read(path)
    assert isinstance(caught.value.__cause__, PermissionError)


def test_an_unchanged_document_shows_its_record(path):
    written(path)
    found = read(path)
    assert found is not None

    assert found.shows(HEAD, VALUE) is None


@pytest.mark.parametrize("change", [{"ports": [1]}, {"nested": {}}, {"new": 1}, {"name": None}])
def test_an_edited_field_is_named_with_the_way_out(path, change):
    written(path, VALUE | change)
    found = read(path)
    assert found is not None

    problem = found.shows(HEAD, VALUE)

    assert problem is not None
    assert f"{next(iter(change))} differs from record 4" in problem
    assert "remove this file" in problem


def test_a_number_that_became_another_type_is_an_edit(path):
    written(path, {"n": 1.0, "b": True})
    found = read(path)
    assert found is not None

    assert "b, n differ" in str(found.shows(HEAD, {"n": 1, "b": 1}))


@pytest.mark.parametrize("head", [Head("1a", 4, 3, "cd" * 32, 1234), Head("1a", 4, 3, "ab" * 32, 1235)])
def test_a_document_of_another_history_is_reported(path, head):
    written(path)
    found = read(path)
    assert found is not None

    assert "its record 4 is not the record 4" in str(found.shows(head, VALUE))
