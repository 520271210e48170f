"""The commands that are killed and failed, run in a directory with data and a world."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import tests.crash.staged  # noqa: F401  registers its kind
from environments.errors import CommandFailed, EnvironmentsError
from environments.model.records import HistoryEntry, StepRecord
from environments.model.spec import EnvironmentSpec
from environments.storage.file import FileRepository
from environments.workspace import Workspace
from statechart.errors import CommitUncertain, StatechartError, StorageError
from statechart.holder import Holder
from statechart.storage.segments.size import Segment
from statechart.storage.session import Session
from tests.crash import orders
from tests.crash.staged import StagedSpec

NAME = "demo"
EXPECTED = (EnvironmentsError, StatechartError)
"""What a command may raise: the errors that are meant for people."""


def spec(place: Path, description: str = "") -> EnvironmentSpec:
    """Return the spec of a directory's environment."""
    return EnvironmentSpec(name=NAME, provider=StagedSpec(world=place / "world"), description=description)


def files(place: Path) -> set[str]:
    """Return the files in the world of a directory."""
    return StagedSpec(world=place / "world").files()


async def carry_out(command: str, place: Path) -> None:
    """Run a command, named as on the command line."""
    workspace = Workspace(place / "data")
    match command:
        case "create":
            workspace.create(spec(place))
        case "update":
            await workspace.update(NAME, spec(place, "changed"))
        case "up":
            await workspace.bring(NAME)
        case "break" | "mend":
            broken = place / "world" / "broken"
            broken.touch() if command == "break" else broken.unlink(missing_ok=True)
        case "fail" | "fail to restart":
            try:
                await (workspace.bring(NAME) if command == "fail" else workspace.run(NAME))
            except CommandFailed as failed:
                if failed.persistence_error is not None:
                    raise
        case "end the segment":  # all that a segment may hold is there
            FileRepository(place / "data", segment=Segment(records=2)).open(NAME, Holder.current()).close()
        case "compress":
            FileRepository(place / "data").compress(NAME)
        case "none":
            return
        case "die":
            die(place, os, "fsync", at=1)
        case "die while stopping":
            die(place, os, "fsync", at=1, command="stop")
        case "die at the end":
            die(place, Session, "commit", at=2)
        case _ if command.startswith(orders.PREFIX):
            orders.carry_out(command, place)
        case _:
            await getattr(workspace, command)(NAME)


def die(place: Path, owner: Any, name: str, *, at: int, command: str = "bring") -> None:
    """Stop a command as if killed at its n-th call of a kind.

    The first fsync is in the effect of a step; the second commit ends the command.
    """
    child = os.fork()
    if child == 0:
        real, calls = getattr(owner, name), count(1)

        def call(*args: Any, **options: Any) -> Any:
            return os.kill(os.getpid(), signal.SIGKILL) if next(calls) == at else real(*args, **options)

        setattr(owner, name, call)
        asyncio.run(getattr(Workspace(place / "data"), command)(NAME))
    os.waitpid(child, 0)


def told(history: Sequence[HistoryEntry]) -> list[str]:
    """Return a history in words without times."""
    words = []
    for entry in history:
        record = entry.record
        what = getattr(record, "event", None) or getattr(record, "change", None) or ""
        if isinstance(record, StepRecord):
            where = f"{record.phase} {record.step}"
        else:
            where = f"{record.environment.state.name} {record.environment.revision}"
        words.append(" ".join(filter(None, (record.type, what, where))))
    return words


def acknowledge_records(acknowledge: Callable[[str], None]) -> None:
    """Report the number of each record that a call of this process says is saved, or is not."""
    for name in ("commit", "append"):
        setattr(Session, name, _acknowledging(getattr(Session, name), acknowledge))


def _acknowledging(method: Callable[..., Any], acknowledge: Callable[[str], None]) -> Callable[..., Any]:
    def call(session: Session[Any], *args: Any, **options: Any) -> Any:
        try:
            result = method(session, *args, **options)
        except CommitUncertain:
            raise
        except StorageError:
            acknowledge(f"refused {session.head.seq + 1}")
            raise
        acknowledge(f"seq {session.head.seq}")
        return result

    return call
