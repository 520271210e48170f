"""The layer below Python that counts, kills and fails calls, and the processes that run under it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum, IntFlag
from pathlib import Path
from queue import Queue
from typing import Any

ROOT = Path(__file__).parents[2]


class Action(IntEnum):
    """The effect of the layer on the chosen call."""

    COUNT = 1
    KILL_BEFORE = 2
    KILL_AFTER = 3
    TORN = 4
    FAIL = 5
    FAIL_ON = 6
    SHORT = 7


class Calls(IntFlag):
    """The calls that the layer counts; on a full disk, existing bytes can still be overwritten."""

    WRITES = 1
    SYNCS = 2
    NAMES = 4
    SIZES = 8
    CREATES = 16
    OPENS = 32
    REMOVES = 64
    FILES = 128
    OVERWRITES = 256
    CHANGES = WRITES | SYNCS | NAMES | SIZES | CREATES | REMOVES | FILES | OVERWRITES
    NEEDS_SPACE = WRITES | SYNCS | SIZES | CREATES | FILES
    ALL = CHANGES | OPENS


def compiled(directory: Path) -> Path:
    """Compile the layer, and return the library."""
    library = directory / "shim.so"
    source = Path(__file__).with_name("shim.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", str(library), str(source), "-ldl"], check=True)
    return library


class Zygote:
    """A process that runs jobs, one after another."""

    def __init__(self, library: Path, place: Path) -> None:
        self.place = place
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.zygote"],
            cwd=ROOT,
            env={**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, template: Path, **job: Any) -> dict[str, Any]:
        """Run a job in a copy of a template."""
        defaults = {"action": 0, "classes": int(Calls.CHANGES), "at": 0, "error": 0}
        asked = {**defaults, **job, "template": str(template), "place": str(self.place)}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        outcome: dict[str, Any] = json.loads(self._process.stdout.readline())
        return outcome

    def close(self) -> None:
        """End the process."""
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()


class Bench:
    """Several zygotes that share the jobs, each at a path of its own."""

    def __init__(self, directory: Path, count: int = 2) -> None:
        library = compiled(directory)
        self.directory = directory
        self._zygotes: Queue[Zygote] = Queue()
        self._all = [Zygote(library, directory / f"place{number}") for number in range(count)]
        for zygote in self._all:
            self._zygotes.put(zygote)
        self._pool = ThreadPoolExecutor(count)

    def prepared(self, commands: Iterable[str]) -> dict[str, Path]:
        """Return, for each zygote's path, the template after some commands."""
        commands = tuple(commands)
        templates = {}
        for zygote in self._all:
            template = self.directory / f"{zygote.place.name}-{'-'.join(commands) or 'nothing'}"
            if not template.exists():
                self._prepare(zygote, template, commands)
            templates[zygote.place.name] = template
        return templates

    def _prepare(self, zygote: Zygote, template: Path, commands: tuple[str, ...]) -> None:
        if not commands:
            (template / "world").mkdir(parents=True)
            return
        before = self.prepared(commands[:-1])[zygote.place.name]
        ended = zygote.do(before, command=commands[-1])
        assert ended["outcome"][0] == "done", (commands, ended)
        shutil.copytree(zygote.place, template)

    def do(self, templates: dict[str, Path], **job: Any) -> dict[str, Any]:
        """Run a job on a free zygote."""
        zygote = self._zygotes.get()
        try:
            return zygote.do(templates[zygote.place.name], **job)
        finally:
            self._zygotes.put(zygote)

    def all(
        self, jobs: Iterable[tuple[dict[str, Path], dict[str, Any]]]
    ) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Run jobs on all zygotes at once; yield each with its outcome."""
        listed = list(jobs)
        outcomes = self._pool.map(lambda each: self.do(each[0], **each[1]), listed)
        yield from zip((job for _, job in listed), outcomes, strict=True)

    def close(self) -> None:
        """End all zygotes."""
        self._pool.shutdown()
        for zygote in self._all:
            zygote.close()
