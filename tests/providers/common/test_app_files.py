from __future__ import annotations

import os
from pathlib import Path

from environments.providers.common import app_files

LARGE = 4 * 1024 * 1024


def read_so_far() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])


def test_the_content_of_an_unchanged_file_is_read_once(tmp_path, monkeypatch):
    monkeypatch.setattr(app_files, "_SETTLED", 0)
    file = tmp_path / "app" / "large"
    file.parent.mkdir()
    file.write_bytes(bytes(LARGE))
    first = app_files.scan(file.parent, tmp_path / "data")

    before = read_so_far()
    assert app_files.scan(file.parent, tmp_path / "data") == first
    assert read_so_far() - before < LARGE / 2

    file.chmod(0o700)
    assert app_files.scan(file.parent, tmp_path / "data").id != first.id
    file.chmod(0o600)
    file.write_bytes(b"x" * LARGE)
    os.utime(file, ns=(1, 1))  # the change may have come within a tick of the clock
    assert app_files.scan(file.parent, tmp_path / "data").id != first.id


def test_a_file_that_has_just_changed_is_read_again(tmp_path):
    file = tmp_path / "app" / "text"
    file.parent.mkdir()

    ids = set()
    for text in ("a", "b", "c", "d"):
        file.write_text(text)
        ids.add(app_files.scan(file.parent, tmp_path / "data").id)

    assert len(ids) == 4
