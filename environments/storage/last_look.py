"""The file with the last look at the world, `drift.json`, beside the record of an environment."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from environments.model.fields.last_look import LastLook, last_look
from statechart.errors import StorageError
from statechart.storage.disk import OwnPath, create_file, read_file, remove_file, rename, translated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    class Looked(Protocol):
        """An environment that a look is compared with: the model, its summary or its stored form."""

        @property
        def name(self) -> str:
            """The name."""
            ...

        @property
        def lineage(self) -> str:
            """The incarnation."""
            ...

        @property
        def revision(self) -> int:
            """The revision."""
            ...


LAST_LOOK = "drift.json"
LIMIT = 262_144
"""The size in bytes up to which the file is read."""

_MOST = 50
_LONGEST = 400  # characters of a line: with the most lines, the file stays below the limit


def read_last_look(directory: Path, environment: Looked) -> LastLook | None:
    """Return the last look at an environment, or None if there is none that can be read."""
    with suppress(StorageError):
        content = read_file(OwnPath(directory.parent, (directory.name, LAST_LOOK)), LIMIT)
        return last_look(content, environment.name, environment.lineage, environment.revision)
    return None


def write_last_look(
    directory: Path,
    environment: Looked,
    at: str,
    findings: Sequence[Mapping[str, str | None]],
    unseen: Sequence[str],
) -> None:
    """Keep a look at an environment in its directory; see `look_document` and `write_look`."""
    write_look(directory, look_document(environment, at, findings, unseen))


def look_document(
    environment: Looked,
    at: str,
    findings: Sequence[Mapping[str, str | None]],
    unseen: Sequence[str],
) -> bytes:
    """Return a look at an environment as it is kept.

    Args:
        environment: The environment as it was compared.
        at: The time, as in records.
        findings: The differences, each with `kind`, `what` and `then`.
        unseen: The parts that could not be observed.
    """
    document = {
        "name": environment.name,
        "lineage": environment.lineage,
        "revision": environment.revision,
        "at": at,
        "findings": [{**each, "what": _short(each["what"] or "")} for each in findings[:_MOST]],
        "unseen": [_short(line) for line in unseen[:_MOST]],
    }
    return json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def write_look(directory: Path, content: bytes) -> None:
    """Keep a look in the directory of an environment. Others see the look before, or this one.

    If the directory is missing, nothing is kept.

    Raises:
        StorageError: The file can't be written.
    """
    own = OwnPath(directory.parent, (directory.name,))
    # Without a lock, others may write at the same time: each through a file of its own.
    new = own / f".{LAST_LOOK}.{uuid4().hex}.tmp"
    with translated("write", own / LAST_LOOK):
        if not own.is_dir():  # purged meanwhile
            return
        try:
            create_file(new, content)
            rename(new, own / LAST_LOOK)
        except OSError:
            with suppress(OSError):
                remove_file(new)
            raise


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
