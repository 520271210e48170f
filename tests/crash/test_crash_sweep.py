"""Kill a process at every call that changes the disk, in every command and step.

The reopened history has the old revision or the new, with every acknowledged record. Recovery ends in a
state that is true of the world, and the environment can be brought up and taken down.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.crash.conftest import require
from tests.crash.layer import ROOT, Action, Bench, compiled
from tests.crash.sweeps import SCENES, killed
from tests.crash.tally import Tally

QUICK = (Action.KILL_BEFORE, Action.TORN)
AFTER_TOO = {"create", "provision", "stop", "update", "purge"}
"""To kill after a call is nearly to kill before the next one: the short form does both for these."""
MADE_OF_OTHERS = {
    *("up", "retry", "switch", "redeploy", "configure", "release", "recover a run"),
    *("provision anew", "configure anew", "restart", "stop what failed"),
}
"""Their calls are met in other scenes: the short form kills before one in three, and not within a write."""


@pytest.mark.parametrize("scene", SCENES)
def test_after_a_kill_at_any_call_the_history_is_kept_and_work_continues(
    bench: Bench, tally: Tally, scene: str
) -> None:
    actions = (*QUICK, Action.KILL_AFTER) if scene in AFTER_TOO else QUICK
    made_of_others = scene in MADE_OF_OTHERS
    if made_of_others:
        actions = (Action.KILL_BEFORE,)

    swept = killed(bench, scene, actions, stride=3 if made_of_others else 1)

    tally.add("crash sweep", kills=swept.kills, recovered=swept.ways["recovered"], wrong=len(swept.wrong))
    assert swept.wrong == []
    assert swept.kills == swept.ways.total() > 3


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("scene", SCENES)
def test_in_the_long_form_it_is_killed_before_and_after_and_within_each_call_again_and_again(
    bench: Bench, tally: Tally, scene: str
) -> None:
    for _ in range(7):
        swept = killed(bench, scene, (*QUICK, Action.KILL_AFTER))

        tally.add(
            "long crash sweep",
            kills=swept.kills,
            recovered=swept.ways["recovered"],
            wrong=len(swept.wrong),
        )
        assert swept.wrong == []


def test_the_layer_misses_no_call(tmp_path: Path) -> None:
    require("gcc", "gcc")
    require("strace", "strace")

    counted, traced = counts(tmp_path)

    assert counted == traced
    assert sum(counted.values()) > 100


GROUPS = {
    "WRITES": ("write", "writev"),
    "OVERWRITES": ("pwrite64", "pwritev"),
    "SYNCS": ("fsync", "fdatasync"),
    "NAMES": ("rename", "renameat", "renameat2"),
    "SIZES": ("ftruncate", "truncate", "fallocate"),
    "CREATES": ("mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat"),
    "REMOVES": ("unlink", "unlinkat", "rmdir"),
    "FILES": ("openat", "open", "creat"),
    "NEVER COUNTED": ("pwritev2", "sendfile", "copy_file_range", "sync_file_range", "msync", "mknodat"),
}
LIFE = """
import asyncio, ctypes, os, sys
from pathlib import Path
from tests.crash.scenes import carry_out
layer = ctypes.CDLL(os.environ["LD_PRELOAD"])
layer.shim_tally.restype = ctypes.c_long
place = Path(sys.argv[1])
layer.shim_arm(str(place).encode(), 1, 511, ctypes.c_long(0), 0)
for command in ("create", "up", "update", "release", "run", "stop", "run", "destroy", "purge"):
    asyncio.run(carry_out(command, place))
names = {"WRITES": 0, "SYNCS": 1, "NAMES": 2, "SIZES": 3, "CREATES": 4, "REMOVES": 6, "FILES": 7}
names["OVERWRITES"] = 8
print(*(f"{name}={layer.shim_tally(bit)}" for name, bit in names.items()))
"""


def counts(tmp_path: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Bring an environment up and down under strace, and return both counts of the calls, by group."""
    place = tmp_path / "place"
    (place / "world").mkdir(parents=True)
    script, log = tmp_path / "life.py", tmp_path / "strace.log"
    script.write_text(LIFE)
    names = ",".join(f"?{name}" for group in GROUPS.values() for name in group)
    strace = ["strace", "-f", "-y", "-qq", "-o", str(log), "-e", f"trace={names}"]
    preloaded = ["-E", f"LD_PRELOAD={compiled(tmp_path)}", sys.executable, str(script), str(place)]
    ended = subprocess.run(
        [*strace, *preloaded],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    counted = (word.split("=") for word in ended.stdout.split())
    return {name: int(count) for name, count in counted if int(count)}, _traced(log, place)


def _traced(log: Path, place: Path) -> dict[str, int]:
    group_of = {name: group for group, names in GROUPS.items() for name in names}
    traced: Counter[str] = Counter()
    for line in log.read_text().splitlines():
        call = re.match(r"\d+ +(\w+)\(", line)
        if call is None or str(place) not in line:
            continue
        if group_of[call[1]] != "FILES" or re.search(r"O_CREAT|O_TRUNC", line):
            traced[group_of[call[1]]] += 1
    return dict(traced)
