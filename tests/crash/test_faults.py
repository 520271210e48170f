"""Every call below the data directory fails, once or from then on, with each error that disks have.

The command ends with an error that is meant for people, what is on disk is old or new, and when the
fault is gone the same command goes on.
"""

from __future__ import annotations

import errno
from typing import Any

import pytest

from tests.crash.layer import Action, Bench, Calls
from tests.crash.test_crash_sweep import SCENES

ERRORS = {name: getattr(errno, name) for name in ("ENOSPC", "EIO", "EROFS", "EACCES", "EMFILE")}
QUICK = ("create", "provision", "run", "update", "destroy", "purge", "recover a run")
FULL = {"ENOSPC": Calls.NEEDS_SPACE, "EROFS": Calls.CHANGES & ~Calls.SYNCS}
"""What goes on failing: a full disk lets things be removed, and a read-only one nothing."""


def faults(
    bench: Bench, scene: str, action: Action, *, error: int = 0, classes: Calls = Calls.ALL, stride: int = 1
) -> tuple[int, list[str]]:
    """Let each call of a scene's command fail, and return how many did, and what was wrong after it."""
    commands, command = SCENES[scene]
    templates = bench.prepared(commands)
    shared: dict[str, Any] = {"command": command, "look": True, "classes": int(classes)}
    whole = bench.do(templates, **{**shared, "look": False, "action": int(Action.COUNT)})
    jobs = [
        (templates, {**shared, "action": int(action), "at": at, "error": error})
        for at in range(1, whole["outcome"][1] + 1, stride)
    ]
    wrong = []
    for job, outcome in bench.all(jobs):
        said, _, last = outcome["outcome"]
        where = f"{action.name} {errno.errorcode.get(error, '')} at {job['at']} ({last})"
        if said.startswith("unexpected"):
            wrong.append(f"{where}: {said}")
        wrong += [f"{where}: {each} (it had said: {said})" for each in outcome["wrong"]]
    return len(jobs), wrong


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("scene", QUICK)
def test_a_call_that_fails_is_told_and_the_same_command_goes_on(
    bench: Bench, scene: str, name: str
) -> None:
    stride = 1 if name == "ENOSPC" else 4

    count, wrong = faults(bench, scene, Action.FAIL, error=ERRORS[name], stride=stride)

    assert wrong == []
    assert count > 3


@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("scene", QUICK)
def test_a_disk_that_stays_full_or_read_only_loses_nothing(bench: Bench, scene: str, name: str) -> None:
    count, wrong = faults(bench, scene, Action.FAIL_ON, error=ERRORS[name], classes=FULL[name], stride=2)

    assert wrong == []
    assert count > 3


@pytest.mark.parametrize("scene", ["provision", "update"])
def test_a_write_that_takes_only_half_is_finished(bench: Bench, scene: str) -> None:
    count, wrong = faults(bench, scene, Action.SHORT, classes=Calls.WRITES)

    assert wrong == []
    assert count > 3


@pytest.mark.soak
@pytest.mark.parametrize("scene", SCENES)
def test_in_the_long_form_every_call_of_every_command_fails_in_every_way(bench: Bench, scene: str) -> None:
    total, wrong = 0, []
    for error in ERRORS.values():
        for action, classes in ((Action.FAIL, Calls.ALL), (Action.FAIL_ON, Calls.NEEDS_SPACE)):
            count, found = faults(bench, scene, action, error=error, classes=classes)
            total, wrong = total + count, wrong + found

    print(f"\n{scene}: {total} faults")
    assert wrong == []
