"""A lifecycle told through the command line, as a process, with the local provider."""

from __future__ import annotations

import shutil
import urllib.request
from pathlib import Path
from typing import Any

HELLO = Path(__file__).parents[2] / "examples" / "hello"


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


def test_from_nothing_to_running_to_another_release_and_back(
    process: Any, tmp_path: Path, data: Path
) -> None:
    app = tmp_path / "an app"
    shutil.copytree(HELLO, app)

    created = process("create", "web", "--app", app, "--env", "GREETING=Good day")
    assert (created.code, created.out) == (0, "web is created\n")
    assert f"next: envchart provision web --data-dir {data}" in created.err
    provisioned = process("provision", "web")
    assert provisioned.out == "web is provisioned\n"
    assert "[1/2] create_directories … done 0." in provisioned.err
    assert process("configure", "web").code == 0
    again = process("configure", "web")
    assert again.code == 4
    assert (
        "error: cannot configure 'web' in state configured: allowed now are release, destroy" in again.err
    )
    assert process("release", "web").code == 0
    ran = process("run", "web", "--json").document
    first = ran["outputs"]["serving"]
    assert (ran["state"], ran["next"][0]) == ("running", f"envchart release web --data-dir {data}")
    assert "Good day" in fetch(ran["outputs"]["url"])

    (app / "version.txt").write_text("2.0\n")
    assert process("release", "web").code == 0
    shown = process("show", "web")
    assert f"serving   release {first}" in shown.out
    assert "not yet run" in shown.out
    assert "2.0" not in fetch(ran["outputs"]["url"])
    assert process("run", "web").code == 0
    assert "2.0" in fetch(ran["outputs"]["url"])
    assert process("release", "web", "--previous").code == 0
    assert process("up", "web").code == 0
    assert process("show", "web", "--json").document["outputs"]["serving"] == first

    assert "listening on" in process("logs", "web").out
    assert process("purge", "web", "--yes").code == 4
    assert process("destroy", "web").code == 2
    assert process("destroy", "web", "--yes").out == "web is destroyed\n"
    assert not (data / "web" / "local").exists()
    history = process("history", "web").out
    assert "run: released → running after" in history
    assert "destroy: running → destroyed" in history or "destroy: released → destroyed" in history
    assert process("purge", "web", "--yes").code == 0
    assert process("show", "web").code == 3
