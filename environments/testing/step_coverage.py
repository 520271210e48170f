"""The outcomes of steps, for chart coverage."""

from __future__ import annotations

from collections.abc import Callable

from environments.execution.progress import CommandEnded, Progress, StepAttemptFailed, StepFinished
from environments.model.failure import FailureCause

_CUT = (FailureCause.CANCELLED, FailureCause.INTERRUPTED, FailureCause.TIMEOUT)


class StepWatcher:
    """Reports whether each step was done, failed or interrupted, by its command and name."""

    def __init__(self, note: Callable[[str, str], None]) -> None:
        self._note = note

    def __call__(self, progress: Progress) -> None:
        """Report the outcome of a step."""
        match progress:
            case StepFinished(kept=False):  # run now, not taken over from an earlier attempt
                self._note(f"{progress.command}.{progress.step}", "done")
            case StepAttemptFailed(retry_in=None):  # the last attempt
                self._note(f"{progress.command}.{progress.step}", "failed")
            case CommandEnded(failure=failure) if failure is not None and failure.cause in _CUT:
                self._note(f"{failure.command}.{failure.step}", "interrupted")
