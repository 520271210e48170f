"""A process is killed at every call that changes the disk, of every command and step.

What is reopened is the old revision or the new one, with everything acknowledged; recovery ends in a
state that is true of the world, and leads on to running and to nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.crash.conftest import require
from tests.crash.layer import ROOT, Action, Bench, compiled

UP = ("create", "provision", "configure", "release", "run")
SCENES: dict[str, tuple[tuple[str, ...], str]] = {
    "create": ((), "create"),
    "provision": (UP[:1], "provision"),
    "configure": (UP[:2], "configure"),
    "release": (UP[:3], "release"),
    "run": (UP[:4], "run"),
    "redeploy": (UP, "release"),
    "switch": ((*UP, "release"), "run"),
    "update": (UP[:1], "update"),
    "fail": ((*UP[:4], "break"), "fail"),
    "retry": (("create", "break", "fail", "mend"), "retry"),
    "up": (UP[:1], "up"),
    "recover a provision": (("create", "die"), "recover"),
    "recover a run": ((*UP[:4], "die"), "recover"),
    "destroy": (UP, "destroy"),
    "destroy what died": (("create", "die"), "destroy"),
    "purge": ((*UP, "destroy"), "purge"),
}
QUICK = (Action.KILL_BEFORE, Action.TORN)
AFTER_TOO = {"create", "up", "update", "destroy", "purge", "recover a provision", "recover a run"}
"""Killing after a call is nearly as killing before the next one: the short form does both for these."""


def points(scene: str, calls: int, actions: tuple[Action, ...]) -> list[tuple[Action, int]]:
    """Return where to kill: at each call, in each way."""
    return [(action, at) for action in actions for at in range(1, calls + 1)]


def sweep(bench: Bench, scene: str, actions: tuple[Action, ...]) -> tuple[int, list[str]]:
    """Kill a scene's command everywhere, and return how often it died, and what was wrong after it."""
    commands, command = SCENES[scene]
    templates = bench.prepared(commands)
    before = bench.do(templates, command="none", history=True) if commands else {"history": []}
    whole = bench.do(templates, command=command, action=int(Action.COUNT), history=True, look=True)
    assert whole["outcome"][0] == "done", whole
    assert whole["wrong"] == []
    full = None if command == "purge" else whole["history"]
    shared = {"command": command, "full": full, "before": len(before["history"]), "look": True}
    jobs = [
        (templates, {**shared, "action": int(action), "at": at})
        for action, at in points(scene, whole["outcome"][1], actions)
    ]
    killed, wrong = 0, []
    for job, outcome in bench.all(jobs):
        killed += outcome["killed"]
        wrong += [f"{Action(job['action']).name} {job['at']}: {each}" for each in outcome["wrong"]]
    return killed, wrong


@pytest.mark.parametrize("scene", SCENES)
def test_whatever_call_is_the_last_nothing_is_lost_and_everything_leads_on(
    bench: Bench, scene: str, record_testsuite_property: Any
) -> None:
    actions = (*QUICK, Action.KILL_AFTER) if scene in AFTER_TOO else QUICK
    killed, wrong = sweep(bench, scene, actions)

    record_testsuite_property(f"kills in {scene}", killed)
    assert wrong == []
    assert killed > 3


@pytest.mark.soak
@pytest.mark.parametrize("scene", SCENES)
def test_in_the_long_form_it_is_killed_after_each_call_too_again_and_again(
    bench: Bench, scene: str
) -> None:
    killed, wrong = 0, []
    for _ in range(5):
        for actions in ((Action.KILL_BEFORE,), (Action.KILL_AFTER,), (Action.TORN,)):
            more, found = sweep(bench, scene, actions)
            killed, wrong = killed + more, wrong + found

    print(f"\n{scene}: {killed} kills")
    assert wrong == []


def test_the_layer_misses_no_call(tmp_path: Path) -> None:
    require("gcc", "gcc")
    require("strace", "strace")
    counted, traced = counts(tmp_path)

    assert counted == traced
    assert sum(counted.values()) > 100


def counts(tmp_path: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Bring an environment up and down under strace, and return both counts of the calls, by name."""
    place = tmp_path / "place"
    (place / "world").mkdir(parents=True)
    script = tmp_path / "life.py"
    script.write_text(LIFE)
    log = tmp_path / "strace.log"
    calls = "write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat"
    ended = subprocess.run(
        [
            *(
                "strace",
                "-f",
                "-y",
                "-qq",
                "-o",
                str(log),
                "-e",
                f"trace={calls},ftruncate,fallocate,link,linkat",
            ),
            *("-E", f"LD_PRELOAD={compiled(tmp_path)}", sys.executable, str(script), str(place)),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    traced: dict[str, int] = {}
    for line in log.read_text().splitlines():
        name = re.match(r"\d+ +(\w+)\(", line)
        if name and str(place) in line:
            group = GROUPS[name[1]]
            traced[group] = traced.get(group, 0) + 1
    return {key: int(value) for key, value in (word.split("=") for word in ended.stdout.split())}, traced


GROUPS = {
    **dict.fromkeys(("write", "pwrite64"), "WRITES"),
    **dict.fromkeys(("fsync", "fdatasync"), "SYNCS"),
    **dict.fromkeys(("rename", "renameat", "renameat2"), "NAMES"),
    **dict.fromkeys(("unlink", "unlinkat", "rmdir"), "REMOVES"),
    **dict.fromkeys(("mkdir", "mkdirat", "link", "linkat"), "CREATES"),
    **dict.fromkeys(("ftruncate", "fallocate"), "SIZES"),
}
LIFE = """
import asyncio, ctypes, os, sys
from pathlib import Path
from tests.crash.zygote import carry_out
layer = ctypes.CDLL(os.environ["LD_PRELOAD"])
layer.shim_count.restype = ctypes.c_long
layer.shim_tally.restype = ctypes.c_long
place = Path(sys.argv[1])
layer.shim_arm(str(place).encode(), 1, 255, ctypes.c_long(0), 0)
for command in ("create", "up", "update", "release", "run", "destroy", "purge"):
    asyncio.run(carry_out(command, place))
names = {"WRITES": 0, "SYNCS": 1, "NAMES": 2, "SIZES": 3, "CREATES": 4, "REMOVES": 6}
print(*(f"{name}={layer.shim_tally(bit)}" for name, bit in names.items()))
"""
