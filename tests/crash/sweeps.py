"""Repeat a command, and make another call the last or let another call fail each time."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.layer import Action, Bench, Calls

UP = ("create", "provision", "configure", "release", "run")
SCENES: dict[str, tuple[tuple[str, ...], str]] = {
    "create": ((), "create"),
    "provision": (UP[:1], "provision"),
    "configure": (UP[:2], "configure"),
    "release": (UP[:3], "release"),
    "run": (UP[:4], "run"),
    "redeploy": (UP, "release"),
    "switch": ((*UP, "release"), "run"),
    "provision anew": (UP, "provision"),
    "configure anew": (UP, "configure"),
    "restart": (UP, "run"),
    "stop": (UP, "stop"),
    "stop what failed": ((*UP, "break", "fail to restart", "mend"), "stop"),
    "update": (UP[:1], "update"),
    "fail": ((*UP[:4], "break"), "fail"),
    "retry": (("create", "break", "fail", "mend"), "retry"),
    "up": (UP[:1], "up"),
    "recover a provision": (("create", "die"), "recover"),
    "recover a run": ((*UP[:4], "die"), "recover"),
    "recover a stop": ((*UP, "die while stopping"), "recover"),
    "recover what broke": ((*UP[:4], "die at the end", "break"), "recover"),
    "destroy": (UP, "destroy"),
    "destroy what died": (("create", "die"), "destroy"),
    "purge": ((*UP, "destroy"), "purge"),
    "end the segment": (UP[:2], "end the segment"),
    "compress": ((*UP[:2], "end the segment"), "compress"),
}
"""What goes before, and the command that is met."""


@dataclass(slots=True)
class Swept:
    """What a sweep did and found.

    Attributes:
        kills: How many processes died at the chosen call.
        told: How many commands ended with an error that is meant for people.
        unharmed: How many ended as if nothing had happened.
        ways: How the same command went on, and how often.
        wrong: What was not as it should be, and after what.
    """

    kills: int = 0
    told: int = 0
    unharmed: int = 0
    ways: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def take(self, job: dict[str, Any], outcome: dict[str, Any]) -> None:
        """Add the outcome of a job."""
        self.kills += outcome["killed"]
        self.ways[outcome["way"]] += 1
        said, _, last = outcome["outcome"] or ("", 0, "")
        self.told += said.startswith("expected")
        self.unharmed += said == "done"
        unexpected = [said] if said.startswith("unexpected") else []
        where = f"{Action(job['action']).name} {errno.errorcode.get(job['error'], '')} {job['at']} {last}"
        self.wrong += [f"{where}: {each} (it said: {said})" for each in (*unexpected, *outcome["wrong"])]


def killed(bench: Bench, scene: str, actions: Sequence[Action], *, stride: int = 1) -> Swept:
    """Kill a scene's command at each of its calls, or at one in `stride`, in each way."""
    commands, command = SCENES[scene]
    templates = bench.prepared(commands)
    before = bench.do(templates, command="none", history=True) if commands else {"history": []}
    whole = bench.do(templates, command=command, action=int(Action.COUNT), history=True, look=True)
    assert whole["outcome"][0] == "done", whole
    assert whole["wrong"] == []
    shared = {
        "command": command,
        "full": None if command == "purge" else whole["history"],
        "before": len(before["history"]),
        "error": 0,
        "look": True,
    }
    swept = Swept()
    for action in actions:
        classes = Calls.WRITES | Calls.OVERWRITES if action is Action.TORN else Calls.CHANGES
        sweep(bench, templates, {**shared, "action": int(action), "classes": int(classes)}, swept, stride)
    return swept


def failed(
    bench: Bench, scene: str, action: Action, *, error: int = 0, classes: Calls = Calls.ALL, stride: int = 1
) -> Swept:
    """Let each call of a scene's command fail, once or from then on."""
    commands, command = SCENES[scene]
    job = {
        "command": command,
        "look": True,
        "classes": int(classes),
        "action": int(action),
        "error": error,
    }
    swept = Swept()
    sweep(bench, bench.prepared(commands), job, swept, stride)
    return swept


def sweep(
    bench: Bench, templates: dict[str, Path], job: dict[str, Any], swept: Swept, stride: int = 1
) -> None:
    """Do a job with each of its calls as the chosen one, or one in `stride`."""
    counting = {**job, "action": int(Action.COUNT), "look": False}
    calls = bench.do(templates, **counting)["outcome"][1]
    # By the golden ratio, since commands repeat the same few calls: no period must miss one of them.
    chosen = [at for at in range(1, calls + 1) if stride == 1 or at * 0.618034 % 1 < 1 / stride]
    jobs = [(templates, {**job, "at": at}) for at in chosen]
    for met, outcome in bench.all(jobs):
        swept.take(met, outcome)
