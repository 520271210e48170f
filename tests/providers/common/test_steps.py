from __future__ import annotations

import errno
import os
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.model.steps import StepContext
from environments.providers.common.failures import file_error, translated
from environments.providers.common.steps import reasons
from statechart.following.cancellation import in_thread


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "/d/f: no space left on device; free some space, then try again"),
        (errno.EROFS, "/d/f: read-only file system; make the file system writable"),
        (errno.EISDIR, "/d/f: is a directory"),
    ],
)
def test_an_error_of_the_file_system_comes_with_advice(number, advice):
    failure = file_error(OSError(number, os.strerror(number), "/d/f"))

    assert failure.cause is FailureCause.FILE_SYSTEM
    assert failure.summary.startswith(advice)


async def test_a_full_disk_is_a_failure_of_the_file_system():
    full = Path("/dev/full")

    with pytest.raises(StepFailed, match="no space left on device; free some space") as caught:
        await translated(in_thread)(lambda: full.write_text("x" * 100_000))
    assert caught.value.cause is FailureCause.FILE_SYSTEM


async def test_a_process_that_must_not_be_signalled_is_a_failure_of_the_infrastructure():
    def refuse() -> None:
        raise psutil.AccessDenied(1)

    with pytest.raises(StepFailed, match="a process could not be handled") as caught:
        await translated(in_thread)(refuse)
    assert caught.value.cause is FailureCause.INFRASTRUCTURE


def test_a_wait_tells_each_new_reason_after_a_moment(created):
    told: list[str] = []
    context = StepContext(
        environment=created,
        operation_id="o",
        directory=Path(),
        report=lambda _message: None,
        progress=told.append,
    )

    at_once, later = reasons(context, timedelta()), reasons(context, timedelta(hours=1))
    for reason in ("port 80 not open yet", "port 80 not open yet", "", "GET / answered HTTP 503"):
        at_once(reason)
        later(reason)

    assert told == ["port 80 not open yet", "GET / answered HTTP 503"]
