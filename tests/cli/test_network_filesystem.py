"""A data directory on a network file system is refused unless the user accepts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from environments.cli.commands.listing import watching
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


class _Once(watching._Lines):
    """Shows the list once, and is interrupted."""

    def show(self, selected: Any, wanted: Any) -> None:
        super().show(selected, wanted)
        raise KeyboardInterrupt


def test_a_watched_list_says_that_changes_may_be_seen_late(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").touch()
    monkeypatch.setenv("ENVCHART_ALLOW_NETWORK_FILESYSTEM", "1")
    monkeypatch.setattr(watching, "_Lines", _Once)
    cli("create", "web", "--app", "app")

    ran = cli("list", "--watch")

    assert ran.code == 130
    assert "changes may be seen late, polling: " in ran.err
    assert "is on nfs4, where other machines make changes unseen" in ran.err
