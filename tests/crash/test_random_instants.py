"""Kill the real command line at random instants, with a real service below it.

After any death, `recover` ends in a state that is true of the living processes, `up` leads to a page
that answers, and `destroy` removes everything.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import psutil
import pytest

from tests.crash.layer import ROOT
from tests.crash.tally import Tally

HELLO = ROOT / "examples" / "hello"
ROUNDS = 150
UP = ("up", "demo", "--app", str(HELLO))
DESTROY = ("destroy", "demo", "--yes")
COMMANDS: dict[tuple[str, ...], int] = {
    UP: 5,
    ("release", "demo"): 1,
    ("run", "demo"): 2,
    ("stop", "demo"): 1,
    ("configure", "demo"): 1,
    ("recover", "demo"): 2,
    DESTROY: 3,
    ("purge", "demo", "--yes"): 1,
}
"""What is killed, and how often compared with the others."""
NOT_THERE = 3


@dataclass(slots=True)
class Site:
    """A data directory with one environment, used through the command line only."""

    directory: Path
    chance: random.Random
    wrong: list[str] = field(default_factory=list)
    kills: int = 0
    settled: int = 0

    def begin(self, words: Sequence[str]) -> subprocess.Popen[str]:
        """Start a command in a session of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "environments", "--data-dir", str(self.directory), *words],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def do(self, *words: str, expect: Sequence[int] = (0,)) -> Any:
        """Run a command to its end, and return its JSON."""
        with self.begin(["--json", *words]) as process:
            out, err = process.communicate(timeout=300)
        if process.returncode not in expect or "Traceback" in err:
            self.wrong.append(f"{' '.join(words)} ended with {process.returncode}: {out} {err}")
        return json.loads(out) if out.lstrip().startswith("{") else {}

    def kill_something(self) -> None:
        """Kill a command at a random instant, but no process that it started."""
        words = self.chance.choices(list(COMMANDS), list(COMMANDS.values()))[0]
        process = self.begin(words)
        time.sleep(self.chance.uniform(0.15, 0.4 if words[0] in ("recover", "purge") else 0.9))
        self.kills += process.poll() is None
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stderr is not None
        assert process.stdout is not None
        process.stdout.close()
        process.stderr.close()

    def settle(self) -> None:
        """Recover, and compare the record with the living processes."""
        recovered = self.do("recover", "demo", expect=(0, NOT_THERE))
        self.settled += bool(recovered.get("recovery", {}).get("settled"))
        shown = self.do("show", "demo", expect=(0, NOT_THERE))
        state, operation = shown.get("state", "destroyed"), shown.get("operation") or {}
        if operation.get("status") == "active":
            self.wrong.append(f"{operation['command']} is under way, and was recovered")
        if state == "running" and not shown["is_error"] and not answers(shown["outputs"]["url"]):
            self.wrong.append("it is running, and does not answer")
        if state == "destroyed" and (left := self.living()):
            self.wrong.append(f"it is {state}, and {left} lives")

    def come_full_circle(self) -> None:
        """Bring the environment up, see it answer, and destroy it."""
        if self.do("show", "demo", expect=(0, NOT_THERE)).get("operation"):
            self.do(*DESTROY)
        if self.do("show", "demo", expect=(0, NOT_THERE)).get("state") == "destroyed":
            self.do("purge", "demo", "--yes")
        self.do(*UP)
        if not answers(self.do("show", "demo")["outputs"]["url"]):
            self.wrong.append("it was brought up, and does not answer")
        self.do(*DESTROY)
        if left := self.living():
            self.wrong.append(f"it was destroyed, and {left} lives")
        self.do("purge", "demo", "--yes")

    def living(self) -> list[int]:
        """Return the processes that work below the data directory."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.cwd().startswith(f"{self.directory}/"):
                    found.append(process.pid)
        return found


def answers(url: str) -> bool:
    """Return whether the page answers."""
    with suppress(URLError, OSError), build_opener(ProxyHandler({})).open(url, timeout=5) as response:
        return bool(response.status == 200)
    return False


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_after_a_kill_at_any_instant_the_real_service_is_reported_truly(
    tmp_path: Path, tally: Tally
) -> None:
    seed = random.randrange(2**32)
    site = Site(tmp_path / "data", random.Random(seed))
    try:
        for number in range(ROUNDS):
            site.kill_something()
            site.settle()
            if number % 10 == 9:
                site.come_full_circle()
            assert site.wrong == [], f"seed {seed}, round {number}"
    finally:
        for pid in site.living():
            os.kill(pid, signal.SIGKILL)

    tally.add("random instants", kills=site.kills, settled=site.settled, wrong=len(site.wrong))
    assert site.kills > ROUNDS / 2
