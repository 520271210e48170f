"""The entry point on the host: calls one function for one environment and prints the result."""

from __future__ import annotations

import fcntl
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from . import bundle, log, releases, service
from .files import remove, write
from .refused import Refused
from .waiting import until

_LOOKING: dict[str, Callable[..., Any]] = {
    "status": service.status,
    "answers": service.answers,
    "remains": service.remains,
    "damage": releases.damage,
    "names": releases.names,
    "linked": releases.linked,
    "log": log.read,
}
_CHANGING: dict[str, Callable[..., Any]] = {
    "stage": bundle.stage,
    "unpack": bundle.unpack,
    "discard": bundle.discard,
    "switch": releases.switch,
    "prune": releases.prune,
    "start": service.start,
    "stop": service.stop,
    "remove": remove,
}
_MARKER = ".envchart.json"
_PATIENCE = 15
_PAUSE = 0.1


def main(function: str, root: str, lineage: str, arguments: dict[str, Any]) -> None:
    """Call a function, and print its result or its refusal as a line of JSON."""
    os.umask(0o022)  # the login's umask could keep a service's user from reading its release
    try:
        answer = {"result": _call(function, Path(root), lineage, arguments)}
    except Refused as refused:
        answer = {"cause": refused.cause, "summary": refused.summary}
    except OSError as error:
        answer = {"cause": "file_system", "summary": Refused.by_the_system(error).summary}
    sys.stdout.write(json.dumps(answer) + "\n")


def _call(function: str, root: Path, lineage: str, arguments: dict[str, Any]) -> Any:
    if function in _LOOKING:
        return _LOOKING[function](root, **arguments)
    if function == "stage":
        _claim(root, lineage)
    elif not _is_claimed(root, lineage):
        return None  # no directory, so there is nothing to change
    with _locked(root):
        return _CHANGING[function](root, **arguments)


def _claim(root: Path, lineage: str) -> None:
    """Create the directory, and mark it as belonging to this incarnation of the environment."""
    root.mkdir(parents=True, exist_ok=True)
    if not _is_claimed(root, lineage):
        write(root / _MARKER, json.dumps({"lineage": lineage}))


def _is_claimed(root: Path, lineage: str) -> bool:
    """Return whether the directory is marked as this environment's.

    Raises:
        Refused: The directory is marked as another environment's.
    """
    try:
        owner = json.loads((root / _MARKER).read_text())["lineage"]
    except FileNotFoundError:
        return False
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        owner = "unreadable"
    if owner != lineage:
        summary = f"{root} belongs to another environment (lineage {owner})"
        advice = "destroy that environment, or give this one another instance_name or service.directory"
        raise Refused("configuration", f"{summary}: {advice}")
    return True


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Hold the lock of the directory.

    Raises:
        Refused: Another call holds the lock for too long.
    """
    # A call goes on when its caller is gone, so the lock of the environment does not keep calls apart.
    with (root / ".lock").open("a") as file:
        if not until(lambda: _try_lock(file), within=_PATIENCE, every=_PAUSE):
            summary = f"an earlier command still works in {root}: wait, then try again"
            raise Refused("timeout", summary)
        yield


def _try_lock(file: TextIO) -> bool:
    """Try to lock a file, and return whether that succeeded."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
