"""Each log line of envchart as a JSON object on stdout: the message, and the fields bound to it."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from loguru import logger

from environments import EnvironmentSpec, LocalProvider, Workspace

if TYPE_CHECKING:
    from loguru import Message

HELLO = Path(__file__).resolve().parent.parent / "hello"


def write(message: Message) -> None:
    """Write a log line as JSON. What the chart binds to it (event, from_state, to_state …) are keys."""
    record = message.record
    line = {"at": record["time"].isoformat(), "level": record["level"].name, "message": record["message"]}
    print(json.dumps({**line, **record["extra"]}, default=str), flush=True)


async def main() -> None:
    """Bring an environment up and down, and log it."""
    logger.remove()
    logger.add(write, level="INFO")  # DEBUG has the end of each state too, and how long it lasted
    logger.enable("environments")  # the packages are silent until somebody asks
    logger.enable("statechart")
    with tempfile.TemporaryDirectory() as directory:
        workspace = Workspace(directory)
        workspace.create(EnvironmentSpec(name="logged", provider=LocalProvider(app=HELLO)))
        try:
            await workspace.bring("logged")
        finally:
            await workspace.destroy("logged")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
