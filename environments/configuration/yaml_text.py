"""Write JSON values as YAML that our rules read as the same values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from environments.configuration.yaml_document import is_read_as_text

# Words without the characters that YAML gives a meaning to, also inside of brackets.
_PLAIN = re.compile(r"[A-Za-z/.][A-Za-z0-9_/.@+-]*( [A-Za-z0-9_/.@+-]+)*")


def block(mapping: Mapping[str, Any]) -> Iterator[str]:  # Any: JSON, here and below
    """Yield the lines of a mapping, a line or a block for each key."""
    for key, value in mapping.items():
        name = _text(key)
        if isinstance(value, Mapping) and value and not _is_short(value):
            yield f"{name}:"
            yield from (f"  {line}" for line in block(value))
        elif isinstance(value, str) and _fits_literal(value):
            yield f"{name}: |{_chomping(value)}"
            yield from (f"  {line}" if line else "" for line in value.removesuffix("\n").split("\n"))
        else:
            yield f"{name}: {_inline(value)}"


def _is_short(value: Mapping[str, Any]) -> bool:
    """Return whether a mapping is the reference to a secret, which stays on the line of its key."""
    texts = all(isinstance(each, str) for each in value.values())
    return len(value) == 1 and value.keys() <= {"env", "file"} and texts


def _inline(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            # Without a dot, YAML 1.1 reads `1e+16` as a text.
            digits, exponent, rest = repr(value).partition("e")
            return f"{digits}{'' if '.' in digits else '.0'}{exponent}{rest}" if exponent else digits
        case str():
            return _text(value)
        case Mapping():
            return f"{{{', '.join(f'{_text(key)}: {_inline(each)}' for key, each in value.items())}}}"
        case list():
            return f"[{', '.join(map(_inline, value))}]"
        case _:
            return str(value)


def _text(text: str) -> str:
    # Other readers than ours take `y` and `n` as true and false.
    if _PLAIN.fullmatch(text) and is_read_as_text(text) and text.lower() not in ("y", "n"):
        return text
    return f'"{"".join(map(_escaped, text))}"'


def _escaped(char: str) -> str:
    if char in '\\"':
        return f"\\{char}"
    return char if char.isprintable() else {"\n": "\\n", "\t": "\\t"}.get(char, f"\\U{ord(char):08X}")


def _fits_literal(text: str) -> bool:
    """Return whether a text has several lines, and each is visible as it is."""
    lines = text.split("\n")
    return (
        len(lines) > 1
        and bool(text.strip())
        and not text.startswith((" ", "\t", "\n"))
        and all(line.replace("\t", " ").isprintable() for line in lines)
    )


def _chomping(text: str) -> str:
    if not text.endswith("\n"):
        return "-"
    return "+" if text.endswith("\n\n") else ""
