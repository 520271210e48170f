"""Files are replaced atomically."""

import errno
import os
import stat

import pytest

from statechart.storage.disk import replace_file


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.json"


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_created_and_replaced(path, durable):
    replace_file(path, b"first", durable=durable)
    replace_file(path, b"second", durable=durable)

    assert path.read_bytes() == b"second"
    assert [file.name for file in path.parent.iterdir()] == ["state.json"]


def test_a_relative_path_is_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    replace_file("page.md", b"text")

    assert (tmp_path / "page.md").read_bytes() == b"text"


def test_a_file_is_private_unless_a_mode_is_given(path):
    replace_file(path, b"secret")
    assert mode_of(path) == 0o600

    replace_file(path, b"shared", mode=0o664)
    assert mode_of(path) == 0o664


@pytest.mark.parametrize("durable", [True, False])
def test_a_dead_writers_temporary_file_is_replaced(path, durable):
    (path.parent / ".state.json.tmp").write_text("half")

    replace_file(path, b"whole", durable=durable)

    assert [file.name for file in path.parent.iterdir()] == ["state.json"]
    assert path.read_bytes() == b"whole"


def test_a_link_in_place_of_the_temporary_file_is_not_followed(path, tmp_path):
    (tmp_path / "precious").write_text("mine")
    (path.parent / ".state.json.tmp").symlink_to(tmp_path / "precious")

    replace_file(path, b"whole")

    assert (tmp_path / "precious").read_text() == "mine"
    assert path.read_bytes() == b"whole"


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_a_failed_replacement_leaves_the_old_file_and_no_litter(path, monkeypatch, call):
    path.write_bytes(b"before")

    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="full"):
        replace_file(path, b"after")

    assert path.read_bytes() == b"before"
    assert [file.name for file in path.parent.iterdir()] == ["state.json"]


def test_the_bytes_are_durable_before_the_name_and_the_name_before_the_return(path, monkeypatch):
    calls = []
    for call in ("fsync", "rename"):
        original = getattr(os, call)

        def noted(*arguments, call=call, original=original, **options):
            calls.append(call)
            return original(*arguments, **options)

        monkeypatch.setattr(os, call, noted)

    replace_file(path, b"whole")
    assert calls == ["fsync", "rename", "fsync"]

    calls.clear()
    replace_file(path, b"whole", durable=False)
    assert calls == ["rename"]
