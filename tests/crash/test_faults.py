"""Fail every call below the data directory, once or from then on, with each error that disks have.

The command ends with an error for people, the disk has the old or the new revision, and without the
fault the same command continues.
"""

from __future__ import annotations

import errno

import pytest

from tests.crash.layer import Action, Bench, Calls
from tests.crash.sweeps import SCENES, Swept, failed
from tests.crash.tally import Tally

ERRORS = {name: getattr(errno, name) for name in ("ENOSPC", "EIO", "EROFS", "EACCES", "EMFILE")}
QUICK = ("create", "provision", "run", "stop", "update", "destroy", "purge", "recover a run")
WHOLE = ("create", "provision", "update")
"""Between them, these make every kind of call; of the others the short form takes a sample."""
FULL = {"ENOSPC": Calls.NEEDS_SPACE, "EROFS": Calls.CHANGES & ~Calls.SYNCS}
"""What goes on failing: a full disk lets things be removed, and a read-only one nothing."""


def count(tally: Tally, what: str, swept: Swept) -> None:
    ways = {way.replace(" ", "_"): times for way, times in swept.ways.items()}
    told = {"told": swept.told, "no_harm_done": swept.unharmed}
    tally.add(what, faults=swept.ways.total(), **told, wrong=len(swept.wrong), **ways)


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("scene", QUICK)
def test_a_failing_call_is_reported_and_the_same_command_can_continue(
    bench: Bench, tally: Tally, scene: str, name: str
) -> None:
    stride = 6 if name != "ENOSPC" else 1 if scene in WHOLE else 2

    swept = failed(bench, scene, Action.FAIL, error=ERRORS[name], stride=stride)

    count(tally, "faults", swept)
    assert swept.wrong == []
    assert swept.ways["recovered"] == 0
    assert swept.told > 1


@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("scene", QUICK)
def test_a_full_or_read_only_disk_loses_no_record(
    bench: Bench, tally: Tally, scene: str, name: str
) -> None:
    swept = failed(bench, scene, Action.FAIL_ON, error=ERRORS[name], classes=FULL[name], stride=3)

    count(tally, "faults that stay", swept)
    assert swept.wrong == []
    assert name == "EROFS" or swept.ways["recovered"] == 0
    assert swept.told > 1


@pytest.mark.parametrize(("scene", "stride"), [("end the segment", 3), ("compress", 5)])
def test_a_segment_that_can_not_be_ended_or_compressed_goes_on(
    bench: Bench, tally: Tally, scene: str, stride: int
) -> None:
    once = failed(bench, scene, Action.FAIL, error=errno.EIO, stride=stride)
    full = failed(
        bench, scene, Action.FAIL_ON, error=errno.ENOSPC, classes=Calls.NEEDS_SPACE, stride=stride
    )

    count(tally, "faults of segments", once)
    assert once.wrong == []
    assert full.wrong == []
    assert once.ways["recovered"] == full.ways["recovered"] == 0


@pytest.mark.parametrize("scene", ["provision", "update"])
def test_a_write_that_takes_only_half_is_finished(bench: Bench, tally: Tally, scene: str) -> None:
    swept = failed(bench, scene, Action.SHORT, classes=Calls.WRITES | Calls.OVERWRITES)

    count(tally, "short writes", swept)
    assert swept.wrong == []
    assert swept.unharmed == swept.ways.total() > 3


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("scene", SCENES)
def test_in_the_long_form_every_call_of_every_command_fails_in_every_way(
    bench: Bench, tally: Tally, scene: str
) -> None:
    for error in ERRORS.values():
        for action, classes in ((Action.FAIL, Calls.ALL), (Action.FAIL_ON, Calls.NEEDS_SPACE)):
            swept = failed(bench, scene, action, error=error, classes=classes)

            count(tally, "long faults", swept)
            assert swept.wrong == []
