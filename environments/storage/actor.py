"""The end of a journal: who wrote its last record. Nothing is verified."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from statechart.errors import StorageError
from statechart.storage.disk import OwnPath, translated
from statechart.storage.forms import read_json
from statechart.storage.layout import JOURNAL

if TYPE_CHECKING:
    from pathlib import Path

USUAL = 8192
"""How many bytes of a journal's end hold the last record of most environments."""

_MOST = 1 << 22
_ENVELOPE = re.compile(
    rb'\{"seq":\d+,"revision":\d+,"type":"[a-z_]+","at":"[^"]+","actor":("(?:[^"\\]|\\.)*"),'
)


def actor_in(end: bytes) -> str | None:
    """Return the actor of the last whole record, or None if the bytes do not hold its beginning."""
    last = end.rfind(b"\n")
    found = _ENVELOPE.match(end, end.rfind(b"\n", 0, last) + 1) if last > 0 else None
    if found is None:
        return None
    try:
        actor = read_json(found[1])
    except ValueError:
        return None
    return str(actor)


def last_actor(root: Path, name: str) -> str | None:
    """Return the actor of the last record of an environment, or None if that can't be read."""
    journal = OwnPath(root, (name, JOURNAL))
    try:
        with translated("read", journal):
            descriptor = journal.open(os.O_RDONLY)
            try:
                return _actor(descriptor)
            finally:
                os.close(descriptor)
    except StorageError:
        return None


def _actor(descriptor: int) -> str | None:
    size, wanted = os.fstat(descriptor).st_size, USUAL
    while True:
        actor = actor_in(os.pread(descriptor, wanted, max(0, size - wanted)))
        if actor is not None or wanted >= min(size, _MOST):
            return actor
        wanted *= 8
