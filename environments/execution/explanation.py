"""Explain why a step failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from traceback import format_exception

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.secrets.redaction import clean
from statechart.errors import StorageError


class CutShort(TimeoutError):
    """A step exceeded its time limit and was ended. The step is in doubt, as after a cancellation."""


def explain(error: BaseException, redact: Callable[[str], str] = str) -> tuple[FailureCause, str, str]:
    """Return cause, one-line summary and details of a step's exception, as storable strings."""
    cause, summary, detail = _explain(error)
    return cause, storable(summary, redact), storable(detail, redact)


def _explain(error: BaseException) -> tuple[FailureCause, str, str]:
    if isinstance(error, StepFailed):
        return error.cause, _line(error.summary) or "it failed", error.detail
    if isinstance(error, StorageError):
        return FailureCause.PERSISTENCE, _line(str(error)), ""
    detail = "".join(format_exception(error))
    if isinstance(error, asyncio.CancelledError):
        return FailureCause.CANCELLED, "it was cancelled; how far it came is in doubt", ""
    if isinstance(error, TimeoutError):
        return FailureCause.TIMEOUT, _line(str(error)) or "it took longer than it may", detail
    if isinstance(error, ConnectionError):
        return FailureCause.NETWORK, _line(str(error)) or type(error).__name__, detail
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        said = error.strerror or _line(str(error)) or type(error).__name__
        return FailureCause.FILE_SYSTEM, f"{said}{where}", detail
    said = _line(str(error))
    return FailureCause.COMMAND_EXECUTION, ": ".join(filter(None, (type(error).__name__, said))), detail


def storable(text: str, redact: Callable[[str], str]) -> str:
    """Make text of a program fit to be stored: valid UTF-8 without secrets and control codes."""
    return clean(text, redact).encode("utf-8", "backslashreplace").decode("utf-8")


def _line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")
