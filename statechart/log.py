"""Log lines that are silent until a program enables them."""

from __future__ import annotations

from contextlib import suppress

from loguru import logger


def silence(package: str) -> None:
    """Disable a package's log lines, unless a program has enabled or disabled them already."""
    # loguru has no public way to ask; without this list it is as every library does: off when loaded.
    spoken = getattr(getattr(logger, "_core", None), "activation_list", ())
    if not any(name == f"{package}." for name, _ in spoken):
        logger.disable(package)


def warn(message: str, **fields: object) -> None:
    """Log a warning with fields; a failing sink raises nothing."""
    with suppress(Exception):
        logger.bind(**fields).opt(depth=1).warning(message)


silence("statechart")
