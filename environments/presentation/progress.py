"""Progress as JSON: an event of a command as a document for programs."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING

from environments.model.environment import Environment
from environments.model.failure import Failure

if TYPE_CHECKING:
    from environments.execution.progress import Progress


def progress_document(progress: Progress) -> dict[str, object]:
    """Return an event with its name as `event`; durations are in seconds, an environment is its state."""
    event = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(progress).__name__).lower()
    document: dict[str, object] = {"event": event}
    for field in fields(progress):
        match getattr(progress, field.name):
            case Environment() as environment:
                document["state"] = environment.state.name.value
            case Failure() as failure:
                document[field.name] = failure.model_dump(mode="json")
            case timedelta() as duration:
                document[field.name] = round(duration.total_seconds(), 3)
            case value:
                document[field.name] = value
    return document
