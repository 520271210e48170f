"""The lock that Terraform takes on the file of its state."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.failure import FailureCause

if TYPE_CHECKING:
    from environments.providers.terraform.layout import Layout


def require_unlocked(layout: Layout) -> None:
    """Check that no Terraform holds the lock of the state, since it would write to a replaced file.

    Raises:
        StepFailed: A Terraform is at work on the state.
    """
    try:
        descriptor = layout.state.open(os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        summary = (
            f"a Terraform is still at work on {layout.state}, which is older than the state in the record: "
            "end it, then try again"
        )
        raise StepFailed(FailureCause.INFRASTRUCTURE, summary) from error
    finally:
        os.close(descriptor)
