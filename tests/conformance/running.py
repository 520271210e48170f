"""Run documents on engines, in processes of their own and with little patience."""

from __future__ import annotations

import contextlib
import io
import logging
import multiprocessing
import signal
from collections.abc import Iterable
from types import FrameType

from loguru import logger

from tests.conformance.datamodel import NotSupported
from tests.conformance.suites import Case

PATIENCE = 8
"""The seconds after which a document is taken for one that never ends."""

AT_ONCE = 12
"""Documents at once, more than there are processors: most of them wait."""

Job = tuple[Case, type]


def outcomes(jobs: Iterable[Job]) -> list[str]:
    """Return the outcome of each job: `pass`, or what happened instead."""
    jobs = list(jobs)
    with multiprocessing.get_context("fork").Pool(min(AT_ONCE, len(jobs)), _quiet) as pool:
        return pool.map(_outcome, jobs, chunksize=1)


def _quiet() -> None:
    logging.disable(logging.CRITICAL)
    logger.remove()


def _outcome(job: Job) -> str:
    case, engine = job

    def over(_number: int, frame: FrameType | None) -> None:
        # Within the run only: the second signal may come while the outcome is told.
        while frame is not None and frame.f_code is not Case.run.__code__:
            frame = frame.f_back
        if frame is not None:
            raise _Endless

    signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE, 0.1)  # again, should an engine catch the first
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return "pass" if case.run(engine) else "another state"
    except NotSupported as error:
        return f"needs {error}"
    except _Endless:
        return "does not end"
    except Exception as error:  # whatever engines raise
        return f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class _Endless(BaseException):
    """A document takes too long."""
