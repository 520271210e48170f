"""Literals: values that are obviously secrets, written down where only their place belongs."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LAST_WORD = re.compile(r"(password|passwd|passphrase|secret|token|apikey|credentials)$")
_LAST_TWO_WORDS = {"api key", "access key", "private key", "secret key"}
_SWITCH = re.compile(r"|0|1|true|false|yes|no|on|off", re.I)
_PLACEHOLDER = re.compile(r"[${<%*]")
_PASSWORD_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#:@\"'<>]*:([^\s/?#\"'<>]+)@")
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_OPTION = re.compile(r"-{0,2}([A-Za-z_][A-Za-z0-9_-]*)=(.*)", re.S)


def names_secret(name: str) -> bool:
    """Return whether a variable with this name holds a secret, by the words that it ends in.

    `DB_PASSWORD`, `apiKey` and `TOKEN_2` do; `PASSWORD_FILE`, `MAX_TOKENS` and `TOKENIZER` do not.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    while words and words[-1].isdigit():
        words.pop()
    return bool(words) and (
        _LAST_WORD.search(words[-1]) is not None or " ".join(words[-2:]) in _LAST_TWO_WORDS
    )


def secret_in(text: str) -> str | None:
    """Say what in a text is obviously a secret; None for nothing. Placeholders are none."""
    if _PRIVATE_KEY.search(text):
        return "it holds a private key"
    if any(not _PLACEHOLDER.match(found[1]) for found in _PASSWORD_IN_URL.finditer(text)):
        return "it holds a URL with a password in it"
    return None


def secret_under(name: str, value: str) -> str | None:
    """Say why the value of a variable is obviously a secret; None if it is not, as far as can be told.

    What merely switches something, like `REQUIRE_PASSWORD=true`, is none.
    """
    if names_secret(name) and not _SWITCH.fullmatch(value) and not _PLACEHOLDER.match(value):
        return "its name says that it is a secret"
    return secret_in(value)


def secret_in_argument(word: str) -> str | None:
    """Say what in a command's word is obviously a secret, `--password=…` included."""
    option = _OPTION.fullmatch(word)
    return secret_under(option[1], option[2]) if option else secret_in(word)


def secret_in_query(path: str) -> str | None:
    """Say what in the query of a URL's path is obviously a secret."""
    for name, value in parse_qsl(path.partition("?")[2]):
        if secret_under(name, value):
            return f"it holds the secret {name}"
    return None
