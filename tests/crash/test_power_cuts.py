"""Cut the power of a real file system at random instants of an environment's life.

Every acknowledged record survives, all files can be read, and recovery leads on. Unlike a kill, a power
cut reveals a missing sync.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.crash.layer import ROOT
from tests.crash.tally import Tally

CUTS = 400


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("what", ["environments", "segments"])
@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_whenever_the_power_goes_all_that_was_acknowledged_is_there(
    kind: str, what: str, tmp_path: Path, tally: Tally
) -> None:
    require_power(kind)

    cuts = cut_often(kind, what, tmp_path, seed=random.randrange(2**32))

    wrong = [problem for each in cuts for problem in each["wrong"]]
    ways = Counter(str(each["way"]).replace(" ", "_") for each in cuts)
    tally.add(f"power cuts of {what} on {kind}", cuts=len(cuts), wrong=len(wrong), **ways)
    assert wrong == []
    assert len(cuts) == CUTS


def require_power(kind: str) -> None:
    """Skip the test where the power can't be cut, and say why."""
    if os.geteuid() != 0:
        pytest.skip("only root can cut the power of a file system")
    for program in (f"mkfs.{kind}", "mount", "unshare"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not there")
    if subprocess.run(["unshare", "--mount", "losetup", "--find"], capture_output=True).returncode:
        pytest.skip("loop devices or mounts are not allowed here")


def cut_often(kind: str, what: str, directory: Path, *, seed: int) -> list[dict[str, list[str]]]:
    """Cut the power of a file system repeatedly, and return the result of each cut."""
    program = ["-m", "tests.crash.power", kind, str(CUTS), str(directory), str(seed), what]
    ended = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", sys.executable, *program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, f"seed {seed}: {ended.stderr}"
    return [json.loads(line) for line in ended.stdout.splitlines()]
