"""Zygote: a process that has loaded everything, and forks a child for each job that it is given.

A job is a line of JSON on stdin, its outcome one on stdout. The child runs one command on a copy of a
place, with the layer below Python armed; another child then looks at what is left.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import shutil
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from environments.workspace import Workspace
from statechart.errors import NotFound
from tests.crash.aftermath import Aftermath
from tests.crash.orders import PREFIX, OrderAftermath
from tests.crash.scenes import EXPECTED, NAME, acknowledge_records, carry_out, told

Tell: TypeAlias = Callable[[str], None]


def run(job: dict[str, Any], place: Path, acknowledge: Tell) -> None:
    """Run the job's command under the layer, and report each acknowledged record."""
    layer = ctypes.CDLL(os.environ["LD_PRELOAD"])
    layer.shim_last.restype = ctypes.c_char_p
    layer.shim_count.restype = ctypes.c_long
    acknowledge_records(acknowledge)
    outcome = "done"
    layer.shim_arm(
        str(place).encode(), job["action"], job["classes"], ctypes.c_long(job["at"]), job["error"]
    )
    try:
        asyncio.run(carry_out(job["command"], place))
    except EXPECTED as error:
        outcome = f"expected {type(error).__name__}: {error}"
    except BaseException:
        outcome = f"unexpected {traceback.format_exc()}"
    counted, last = layer.shim_count(), layer.shim_last().decode()
    layer.shim_arm(b"/nowhere", 0, 0, ctypes.c_long(0), 0)
    if outcome == "done":
        acknowledge("command")
    acknowledge(f"outcome {json.dumps([outcome, counted, last])}")


def teller(writing: int) -> Tell:
    """Return a function that writes whole lines into a pipe."""

    def tell(line: str) -> None:
        os.write(writing, f"{line}\n".encode())

    return tell


def in_child(work: Callable[[Tell], None]) -> tuple[int, list[str]]:
    """Run a function in a fork; return its end and the lines that it reported."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            work(teller(writing))
        except BaseException:
            os.write(writing, f"wrong {json.dumps(traceback.format_exc())}\n".encode())
        os._exit(0)
    os.close(writing)
    content = b""
    while chunk := os.read(reading, 65536):
        content += chunk
    os.close(reading)
    _, status = os.waitpid(child, 0)
    return status, content.decode().splitlines()


def looked_at(aftermath: Aftermath | OrderAftermath) -> tuple[list[str], str]:
    """Check the remains in a fresh process; return the errors and the further course."""

    def look(tell: Tell) -> None:
        aftermath.look()
        for wrong in aftermath.wrong:
            tell(f"wrong {json.dumps(wrong)}")
        tell(f"way {aftermath.way}")

    status, lines = in_child(look)
    wrong = [json.loads(line[6:]) for line in lines if line.startswith("wrong ")]
    wrong += [f"looking at it ended with {status}"] if status else []
    return wrong, next((line[4:] for line in lines if line.startswith("way ")), "")


def work_on(job: dict[str, Any]) -> dict[str, Any]:
    """Run a job in a fresh copy of its template, always at the same path."""
    place = Path(job["place"])
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(job["template"], place)
    status, said = in_child(lambda tell: run(job, place, tell))
    outcome = next((json.loads(word[8:]) for word in said if word.startswith("outcome ")), None)
    result: dict[str, Any] = {"killed": os.WIFSIGNALED(status), "outcome": outcome}
    if job.get("history"):
        try:
            result["history"] = told(Workspace(place / "data").history(NAME))
        except NotFound:
            result["history"] = []
    if job.get("look"):
        aftermath: Aftermath | OrderAftermath
        if job["command"].startswith(PREFIX):
            aftermath = OrderAftermath(job["command"], place, said)
        else:
            aftermath = Aftermath(job["command"], place, said, job.get("full"), job.get("before", 0))
        result["wrong"], result["way"] = looked_at(aftermath)
    return result


def warm_up() -> None:
    """Load in this process what a life of an environment needs, which each child would load anew."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        (place / "world").mkdir()
        asyncio.run(carry_out("create", place))
        Aftermath("provision", place, []).look()
    assert threading.active_count() == 1  # a fork takes no others along
    gc.collect()
    gc.freeze()  # else each child looks through all of it for garbage, and copies it by that


def main() -> None:
    warm_up()
    for line in sys.stdin:
        job = json.loads(line)
        sys.stdout.write(json.dumps(work_on(job)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
