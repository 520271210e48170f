"""A data directory on a network file system is refused unless the user accepts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from statechart.storage.disk import mounts


@pytest.fixture(autouse=True)
def _on_nfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(f"1 0 0:1 / {tmp_path} rw - nfs4 server: rw\n")
    monkeypatch.setattr(mounts, "_MOUNTINFO", mountinfo)


def test_a_network_file_system_is_refused_with_both_alternatives(cli: Any, tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").touch()

    ran = cli("create", "web", "--app", "app")

    assert ran.code == 7
    assert "is on a network file system (nfs4), where a lock does not keep other machines out" in ran.err
    assert "next: use a local --data-dir" in ran.err
    assert "ENVCHART_ALLOW_NETWORK_FILESYSTEM=1 envchart list" in ran.err


def test_a_network_file_system_is_accepted_on_request(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").touch()
    monkeypatch.setenv("ENVCHART_ALLOW_NETWORK_FILESYSTEM", "1")

    assert cli("create", "web", "--app", "app").code == 0
    assert cli("show", "web").code == 0
