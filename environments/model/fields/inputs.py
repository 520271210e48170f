"""The digests of the inputs of steps."""

from __future__ import annotations

import json
from hashlib import sha256


def digest_of(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hexadecimal."""
    # Sorted keys, so that equal inputs have equal digests.
    return sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def short_digest(value: object) -> str:
    """Return the digest of an input, as it is recorded: 16 hexadecimal digits."""
    return digest_of(value)[:16]
