"""Changes of a spec, as lines of text and as JSON, without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from environments.configuration.amendments import changed_fields
from environments.configuration.spec_text import typed_duration
from environments.secrets.detection import secret_under
from environments.secrets.redaction import HIDDEN, clean, redactor
from statechart.wording import counted

if TYPE_CHECKING:
    from environments.model.spec import EnvironmentSpec

_LONGEST = 40
_SETTING = re.compile(r"\W*([\w.-]+)\W*\s*[:=]\s*[\"']?(.*?)[\"']?\s*")
_UNSET = "unset"


def change_lines(changes: Iterable[Mapping[str, str]]) -> list[str]:
    """Return a line for each change: the dotted name of the field, the old and the new value."""
    return [f"{change['field']}: {change['old']} → {change['new']}" for change in changes]


def spec_changes(before: EnvironmentSpec, after: EnvironmentSpec) -> list[dict[str, str]]:
    """Return the fields that differ, with their values as texts, shortened and without secrets."""
    secrets = redactor(before), redactor(after)

    def told(field: str, value: Any) -> str:  # Any: the value of a field
        text = _text(field, value)
        for redact in secrets:
            text = clean(text, redact)
        return _shortened(text)

    found = []
    for field, old, new in changed_fields(before, after):
        if isinstance(old, str) and isinstance(new, str) and "\n" in f"{old}{new}":
            old, new = _differing(old, new)
        found.append({"field": field, "old": told(field, old), "new": told(field, new)})
    return found


def _text(field: str, value: Any) -> str:
    match value:
        case None:
            return _UNSET
        case {"env": str(variable), "file": None}:
            return f"@env:{variable}"
        case {"env": None, "file": file}:
            return f"@file:{file}"
        case timedelta():
            typed = typed_duration(value)
            return typed if isinstance(typed, str) else f"{typed:g}s"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%SZ}"
        case bool():
            return str(value).lower()
        case str():
            if _is_secret(field, value):
                return HIDDEN
            lines = value.splitlines()
            return value.rstrip("\n") or "''" if len(lines) < 2 else counted(len(lines), "line")
        case list() | tuple():
            return f"[{', '.join(_text(field, each) for each in value)}]"
        case _:
            return str(value)


def _is_secret(field: str, value: str) -> bool:
    # A line of a file may name a secret itself, as `password = …`.
    setting = _SETTING.fullmatch(value)
    names = [(field.rpartition(".")[2], value), *([setting.groups()] if setting else [])]
    return any(secret_under(name, text) for name, text in names)


def _differing(old: str, new: str) -> tuple[str, str]:
    """Return the line that differs between two texts, or how many lines do."""
    before, after = old.splitlines(), new.splitlines()
    codes = [code for code in SequenceMatcher(None, before, after).get_opcodes() if code[0] != "equal"]
    removed = [line for _, begin, end, _, _ in codes for line in before[begin:end]]
    added = [line for _, _, _, begin, end in codes for line in after[begin:end]]
    if len(removed) == len(added) == 1:
        return removed[0], added[0]
    return f"{counted(len(removed), 'line')} gone", f"{counted(len(added), 'line')} new"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
