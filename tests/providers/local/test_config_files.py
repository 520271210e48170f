from __future__ import annotations

import json
from pathlib import Path

import pytest

from environments.providers.local.config_files import compare, declared, write
from environments.system.files import OwnPath


def test_declared_files_are_written_once(tmp_path):
    files = {"a.txt": "one\n", "deep/er/b.txt": "two\r\n"}

    first, second = write(OwnPath(tmp_path), files), write(OwnPath(tmp_path), files)

    assert str(first) == "2 written (a.txt, deep/er/b.txt)"
    assert (str(second), second.any) == ("2 unchanged", False)
    assert (tmp_path / "deep/er/b.txt").read_bytes() == b"two\r\n"


def test_only_differences_are_written_and_undeclared_files_are_removed(tmp_path):
    write(OwnPath(tmp_path), {"same": "1", "changed": "1", "old/gone": "1"})
    kept = (tmp_path / "same").stat().st_ino

    changes = write(OwnPath(tmp_path), {"same": "1", "changed": "2", "new": "3"})

    assert str(changes) == "2 written, 1 unchanged, 2 removed (changed, new, old, old/gone)"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["changed", "new", "same"]
    assert (tmp_path / "same").stat().st_ino == kept


def test_comparing_changes_nothing(tmp_path):
    write(OwnPath(tmp_path), {"a": "1"})

    assert compare(OwnPath(tmp_path), {"a": "2", "b": "1"}).written == ("a", "b")
    assert (tmp_path / "a").read_text() == "1"


def test_nothing_is_written_through_a_link(tmp_path):
    outside, config = tmp_path / "outside", tmp_path / "config"
    outside.mkdir()
    (outside / "file").write_text("precious")
    config.mkdir()
    (config / "sub").symlink_to(outside)
    (config / "file").symlink_to(outside / "file")

    write(OwnPath(config), {"sub/file": "1", "file": "2"})

    assert (outside / "file").read_text() == "precious"
    assert ((config / "sub/file").read_text(), (config / "file").read_text()) == ("1", "2")


@pytest.mark.parametrize(("before", "after"), [("x", "x/y"), ("x/y", "x")])
def test_a_file_may_replace_a_directory_and_a_directory_a_file(tmp_path, before, after):
    write(OwnPath(tmp_path), {before: "1"})

    write(OwnPath(tmp_path), {after: "2"})

    assert (tmp_path / after).read_text() == "2"
    assert not compare(OwnPath(tmp_path), {after: "2"}).any


def test_public_variables_are_written_as_json():
    files = declared({"a": "1"}, {"B": "2", "A": "ö"})

    assert json.loads(files["environment.json"]) == {"A": "ö", "B": "2"}
    assert files["a"] == "1"


async def test_configuring_again_reports_what_changed(bench):
    bench.amend(files={"motd.txt": "Welcome"}, env={"GREETING": "Hi", "KEY": {"env": "NO_SUCH_VARIABLE"}})
    await bench.run("provision", "configure")
    assert bench.reports[-1] == "2 written (environment.json, motd.txt)"
    written = bench.path(bench.layout.config / "environment.json").read_text()
    assert json.loads(written) == {"GREETING": "Hi"}

    bench.amend(files={})
    assert (await bench.probe("configure", "write_configuration")).verdict == "not_done"
    await bench.run("configure")

    assert bench.reports[-1] == "1 unchanged, 1 removed (motd.txt)"


def test_directories_nested_without_end_are_removed_and_named_down_to_a_depth(tmp_path):
    for depth in range(1, 1_500):
        Path(f"{tmp_path}{'/d' * depth}").mkdir()

    assert len(compare(OwnPath(tmp_path), {"same": "1"}).removed) < 50
    write(OwnPath(tmp_path), {"same": "1"})

    assert [path.name for path in tmp_path.iterdir()] == ["same"]
