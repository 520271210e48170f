"""Read files that a person wrote."""

from __future__ import annotations

from pathlib import Path

from environments.model.errors import InvalidConfiguration


def read_written(path: Path, largest: int, kind: str) -> bytes:
    """Return the bytes of a file of at most this size; `kind` names it for a message.

    Raises:
        InvalidConfiguration: The path is no regular file, can't be read, or the file is larger.
    """
    try:
        # A named pipe would block, and a device might never end.
        if path.exists() and not path.is_file():
            raise InvalidConfiguration(str(path), ["it is not a file"])
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        problem = f"it can't be read: {error.strerror} ({path.absolute()})"
        raise InvalidConfiguration(str(path), [problem]) from error
    if len(content) > largest:
        raise InvalidConfiguration(str(path), [f"it is larger than {largest:,} bytes, which no {kind} is"])
    return content
