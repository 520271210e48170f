"""The labels of environments: keys and values by which environments are selected and grouped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

MAX_LABEL_KEY: Final = 63
MAX_LABEL_VALUE: Final = 63
_CHARACTERS = r"[A-Za-z0-9._/-]"
LABEL_KEY: Final = rf"^[A-Za-z0-9]({_CHARACTERS}*[A-Za-z0-9])?$"
"""The pattern of a key."""
# `\Z`, since `$` also matches before a final line break.
_KEY_RULES = (
    (r"(?s)^.+", "is empty"),
    (rf"^{_CHARACTERS}*\Z", "may contain only letters, digits, '-', '_', '.' and '/'"),
    (r"^[A-Za-z0-9]", "must begin with a letter or a digit"),
    (r"[A-Za-z0-9]\Z", "must end with a letter or a digit"),
    (rf"^.{{1,{MAX_LABEL_KEY}}}\Z", f"is longer than {MAX_LABEL_KEY} characters"),
)
_SHOWN = 40


def check_labels(labels: dict[str, str]) -> dict[str, str]:
    """Return the labels if their keys and values follow the rules.

    Raises:
        ValueError: A key or a value breaks a rule; the message names the rule.
    """
    for key, value in labels.items():
        if (rule := broken_key_rule(key)) is not None:
            raise ValueError(f"the key {shown(key)} {rule}")
        if (rule := _broken_value_rule(value)) is not None:
            raise ValueError(f"the value {shown(value)} of {key} {rule}")
    return labels


def broken_key_rule(key: str) -> str | None:
    """Return the rule that a key breaks, or None."""
    return next((rule for pattern, rule in _KEY_RULES if not re.search(pattern, key)), None)


def _broken_value_rule(value: str) -> str | None:
    if len(value) > MAX_LABEL_VALUE:
        return f"is longer than {MAX_LABEL_VALUE} characters"
    if not value.isprintable():
        return "contains a control character"
    # A comma separates the terms of a selection.
    if "," in value:
        return "contains a comma"
    return "begins or ends with a blank" if value != value.strip() else None


def shown(text: str) -> str:
    """Return a key or a value for a message, shortened."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def labels_text(labels: Mapping[str, str]) -> str:
    """Return labels as they are typed in a selection."""
    return ",".join(f"{key}={value}" for key, value in labels.items())
