"""The keys that encrypt the states in records."""

from __future__ import annotations

import base64
import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import ModuleType
from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.failure import FailureCause

if TYPE_CHECKING:
    from environments.secrets.references import SecretRef

_LENGTH = 32  # bytes, for AES-256
_NONCE = 12
_MAKE = "make one with 'openssl rand -base64 32'"


@dataclass(frozen=True, slots=True)
class StateKeys:
    """The keys of a spec: the first encrypts, and each of them decrypts.

    Attributes:
        keys: The keys; empty if states are not encrypted.
    """

    keys: Sequence[bytes] = ()

    @classmethod
    def of(cls, reference: SecretRef | None) -> StateKeys:
        """Read the keys: 32 bytes in base64 each, separated by white space.

        Raises:
            StepFailed: The secret is missing, or holds something else than keys.
        """
        if reference is None:
            return cls()
        try:
            words = reference.resolve().split()
        except StepFailed as missing:
            raise StepFailed(missing.cause, f"state_key: {missing.summary}") from missing
        if not words:
            raise StepFailed(FailureCause.CONFIGURATION, f"state_key: the secret is empty; {_MAKE}")
        return cls(tuple(_key(word, number) for number, word in enumerate(words, 1)))

    @property
    def first(self) -> str | None:
        """The name of the key that encrypts, or None."""
        return key_name(self.keys[0]) if self.keys else None

    def encrypt(self, content: bytes, header: bytes) -> bytes:
        """Encrypt a content, bound to its header, with the first key."""
        nonce = os.urandom(_NONCE)
        sealed: bytes = _ciphers().AESGCM(self.keys[0]).encrypt(nonce, content, header)
        return nonce + sealed

    def decrypt(self, sealed: bytes, header: bytes, name: str) -> bytes:
        """Decrypt a content.

        Raises:
            StepFailed: No key has the name, or the content or its header was altered.
        """
        key = next((each for each in self.keys if key_name(each) == name), None)
        if key is None:
            raise _no_key(self.keys, name)
        module = _ciphers()
        exceptions = importlib.import_module("cryptography.exceptions")
        try:
            content: bytes = module.AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], header)
        except (exceptions.InvalidTag, ValueError) as error:
            summary = f"the state in the record was altered: the key {name} does not open its last version"
            raise StepFailed(FailureCause.INFRASTRUCTURE, summary) from error
        return content


def key_name(key: bytes) -> str:
    """Return a name that tells keys apart and does not help to guess them."""
    return sha256(b"envchart state key\0" + key).hexdigest()[:8]


def _key(word: str, number: int) -> bytes:
    try:
        key = base64.b64decode(word, validate=True)
    except ValueError:
        key = b""
    if len(key) != _LENGTH:
        summary = f"state_key: key {number} of the secret is not 32 bytes in base64; {_MAKE}"
        raise StepFailed(FailureCause.CONFIGURATION, summary)
    return key


def _no_key(keys: Sequence[bytes], name: str) -> StepFailed:
    encrypted = f"the state in the record is encrypted with the key {name}"
    if not keys:
        summary = f"{encrypted}, and the spec has no state_key: set it, as it was, then try again"
    else:
        summary = (
            f"{encrypted}, and state_key holds {', '.join(map(key_name, keys))}: after a change of keys, "
            "give the earlier one as well, behind the new one, until the state is stored again"
        )
    return StepFailed(FailureCause.CONFIGURATION, summary)


def _ciphers() -> ModuleType:
    try:
        return importlib.import_module("cryptography.hazmat.primitives.ciphers.aead")
    except ModuleNotFoundError:
        summary = "state_key needs the package cryptography: pip install 'envchart[terraform]'"
        raise StepFailed(FailureCause.CONFIGURATION, summary) from None
