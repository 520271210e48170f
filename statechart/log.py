"""The storage's own log lines, silent until somebody enables them."""

from __future__ import annotations

from contextlib import suppress

from loguru import logger

logger.disable("statechart")


def warn(message: str, **fields: object) -> None:
    """Log a warning with fields; a failing sink must not undo what is on disk."""
    with suppress(Exception):
        logger.bind(**fields).opt(depth=1).warning(message)
