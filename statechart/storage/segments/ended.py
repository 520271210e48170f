"""The description of an ended segment, in the checkpoint that begins the next one."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError, model_validator

_FILE = r"^history\.(\d{8,})-(\d{8,})(\.\d+)?\.jsonl$"
NAMED = re.compile(_FILE[:-1] + r"(\.gz)?$")
"""The names of ended segments; the groups are the first and the last record."""


class Ended(BaseModel, frozen=True, strict=True):
    """A segment that ended: a file of records that is not changed any more.

    Attributes:
        file: The name of the file, beside the journal; compressed, with `.gz` behind.
        records: The number of records.
        bytes: The size of the records, uncompressed.
        first_seq: The number of the first record.
        last_seq: The number of the last record.
        sha256: The hash of the records, uncompressed.
    """

    # The name leads nowhere else: it is read from a file that somebody may have edited.
    file: Annotated[str, Field(pattern=_FILE)]
    records: int
    bytes: int
    first_seq: int
    last_seq: int
    sha256: str

    @model_validator(mode="after")
    def _counts(self) -> Ended:
        if not 1 <= self.first_seq <= self.last_seq or self.records != self.last_seq - self.first_seq + 1:
            raise ValueError("its numbers contradict each other")
        return self


def ended_of(data: object) -> Ended | None:
    """Return the segment that a checkpoint's `data` describe, or None if they do not."""
    try:
        return Ended.model_validate(data.get("ended")) if isinstance(data, dict) else None
    except ValidationError:
        return None
