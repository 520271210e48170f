"""Detection of values that look like secrets, where a reference belongs."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

# The words of names in camelCase, snake_case and UPPER_CASE.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LAST_WORD = re.compile(r"(password|passwd|passphrase|secret|token|apikey|credentials)$")
_LAST_TWO_WORDS = {"api key", "access key", "private key", "secret key"}
_SWITCH = re.compile(r"|0|1|true|false|yes|no|on|off", re.I)
# Placeholders of shells, Jinja, HTML and Python: filled in later, so that nothing is disclosed.
_PLACEHOLDER = re.compile(r"[${<%*]")
# Only the scheme's last character: the search for a whole scheme takes quadratic time in a long word.
_PASSWORD_IN_URL = re.compile(r"(?<=[A-Za-z0-9+.-])://[^\s/?#:@\"'<>]*:([^\s/?#\"'<>]+)@")
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_OPTION = re.compile(r"-{0,2}([A-Za-z_][A-Za-z0-9_-]*)=(.*)", re.S)


def names_secret(name: str) -> bool:
    """Return whether the last words of a variable's name say that the variable holds a secret.

    `DB_PASSWORD`, `apiKey` and `TOKEN_2` do; `PASSWORD_FILE`, `MAX_TOKENS` and `TOKENIZER` do not.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    while words and words[-1].isdigit():
        words.pop()
    return bool(words) and (
        _LAST_WORD.search(words[-1]) is not None or " ".join(words[-2:]) in _LAST_TWO_WORDS
    )


def secret_in(text: str) -> str | None:
    """Return a description of the secret in a text, or None. Placeholders are not secrets."""
    if _PRIVATE_KEY.search(text):
        return "it contains a private key"
    if any(not _PLACEHOLDER.match(found[1]) for found in _PASSWORD_IN_URL.finditer(text)):
        return "it contains a URL with a password"
    return None


def secret_under(name: str, value: str) -> str | None:
    """Return the reason why the value of a variable looks like a secret, or None."""
    # Switches such as REQUIRE_PASSWORD=true have telling names, too.
    if names_secret(name) and not _SWITCH.fullmatch(value) and not _PLACEHOLDER.match(value):
        return "its name says that it is a secret"
    return secret_in(value)


def secret_in_argument(word: str) -> str | None:
    """Return a description of the secret in a command's argument, such as `--password=…`, or None."""
    option = _OPTION.fullmatch(word)
    return secret_under(option[1], option[2]) if option else secret_in(word)


def secret_in_query(path: str) -> str | None:
    """Return a description of the secret in the query of a URL's path, or None."""
    for name, value in parse_qsl(path.partition("?")[2]):
        if secret_under(name, value):
            return f"it contains the secret {name}"
    return None
