"""What SQLite is asked to do for a commit: it syncs each, on whichever connection."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from statechart.storage.sql.repository import JsonSqlRepository
from statechart.testing.repository_contract import Counter
from tests.crash.layer import ROOT, Action, Calls, compiled

COMMITS = 20
WRITER = f"""
import ctypes, os, sys
from statechart.storage.sql.repository import JsonSqlRepository
from statechart.testing.repository_contract import Counter
layer = ctypes.CDLL(os.environ["LD_PRELOAD"])
layer.shim_tally.restype = ctypes.c_long
place = sys.argv[1]
repository = JsonSqlRepository(f"sqlite:///{{place}}/c.db", Counter)
repository.create("demo", Counter())
with repository.open("demo") as session:
    layer.shim_arm(place.encode(), {int(Action.COUNT)}, {int(Calls.CHANGES)}, ctypes.c_long(0), 0)
    for number in range({COMMITS}):
        before = layer.shim_tally(1)
        session.commit("counted", Counter(count=number), expected=session.head.revision)
        print(layer.shim_tally(1) - before)
"""


def test_each_commit_is_synced_before_it_is_acknowledged(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()

    ended = subprocess.run(
        [sys.executable, "-c", WRITER, str(place)],
        cwd=ROOT,
        env={**os.environ, "LD_PRELOAD": str(compiled(tmp_path)), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    syncs = [int(line) for line in ended.stdout.split()]
    assert len(syncs) == COMMITS
    assert min(syncs) >= 1


def test_every_connection_waits_for_the_disk(tmp_path: Path) -> None:
    repository = JsonSqlRepository(f"sqlite:///{tmp_path}/c.db", Counter)
    repository.create("demo", Counter())
    engine = repository.database.engine

    connections = [engine.connect() for _ in range(3)]
    try:
        for each in connections:
            assert each.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2  # FULL
            assert each.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    finally:
        for each in connections:
            each.close()
        repository.database.close()
