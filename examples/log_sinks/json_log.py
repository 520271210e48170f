"""Log lines of envchart as JSON objects on stdout, each with its message and bound fields."""

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
    """Write a log line as JSON; the bound fields, such as event and to_state, are keys."""
    record = message.record
    line = {"at": record["time"].isoformat(), "level": record["level"].name, "message": record["message"]}
    print(json.dumps({**line, **record["extra"]}, default=str), flush=True)


async def main() -> None:
    """Bring an environment up and down, with logging."""
    logger.remove()
    logger.add(write, level="INFO")  # DEBUG adds the end and the duration of each state
    logger.enable("environments")  # the packages are silent by default
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
