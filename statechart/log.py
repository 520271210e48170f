"""Log lines that are silent until a program enables them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from loguru import logger


def silence(package: str) -> None:
    """Disable a package's log lines, unless a program has enabled or disabled them already."""
    # A module may be loaded after the program called `logger.enable`, which must stay in effect. loguru
    # has no public way to ask; if this list is ever missing, the package is off when loaded.
    spoken = getattr(getattr(logger, "_core", None), "activation_list", ())
    if not any(name == f"{package}." for name, _ in spoken):
        logger.disable(package)


def is_heard(module: str, level: int) -> bool:
    """Return whether a sink may receive the lines of a module at a level.

    Asks what loguru asks first. A line costs more to make than an event to fire, and mostly nobody listens.
    """
    core: Any = getattr(logger, "_core", None)  # Any: of loguru's own
    try:
        return bool(core.handlers) and level >= core.min_level and core.enabled.get(module) is not False
    except AttributeError:  # of another version of loguru, which looks at each line itself
        return True


def warn(message: str, **fields: object) -> None:
    """Log a warning with fields; a failing sink raises nothing."""
    # Warnings report problems after a commit: a failing sink must not turn it into an error.
    with suppress(Exception):
        logger.bind(**fields).opt(depth=1).warning(message)


silence("statechart")
