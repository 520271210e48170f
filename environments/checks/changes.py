"""Describe the changes between two declarations in a few words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import SequenceMatcher
from pathlib import PurePath
from typing import TYPE_CHECKING, TypeAlias

from environments.secrets.detection import secret_in, secret_under
from environments.secrets.references import SecretRef
from statechart.wording import counted

if TYPE_CHECKING:
    from pydantic import BaseModel

Place: TypeAlias = tuple[str, ...]

_LONGEST = 40
UNSET = object()
"""The value of a field, or of a key, that is missing in a declaration."""
# A line of a configuration file: `level = info`, `level: info`.
_SETTING = re.compile(r"\s*(?P<key>[^\s=:#;]+)\s*[=:]\s*(?P<value>.*?)\s*")


@dataclass(frozen=True, slots=True)
class Change:
    """A field of a declaration with its values before and after, perhaps `UNSET`.

    Attributes:
        place: The names that lead to the field, such as `("env", "LOG_LEVEL")`.
        before: The value in the earlier declaration.
        after: The value in the later declaration.
    """

    place: Place
    before: object
    after: object

    def __str__(self) -> str:
        name = ".".join(self.place)
        if self.place[0] == "files" or _is_text(self.before) or _is_text(self.after):
            return _of_files(self.place[-1], self.before, self.after)
        if any(isinstance(each, str) and secret_under(name, each) for each in (self.before, self.after)):
            return f"{name} differs"
        return f"{name}: {_value(self.before)} → {_value(self.after)}"


def changes(before: BaseModel, after: BaseModel) -> tuple[Change, ...]:
    """Return the fields in which two models differ, by name; mappings are compared key by key."""
    return tuple(_changes(fields_of(before), fields_of(after), ()))


def text_change(before: str, after: str) -> str:
    """Describe the change of a text: a single changed setting by its values, else the number of lines."""
    old, new = before.splitlines(), after.splitlines()
    blocks = [
        (old[start:end], new[new_start:new_end])
        for tag, start, end, new_start, new_end in SequenceMatcher(
            None, old, new, autojunk=False
        ).get_opcodes()
        if tag != "equal"
    ]
    if len(blocks) == 1 and len(blocks[0][0]) == len(blocks[0][1]) == 1:
        was, is_now = (_SETTING.fullmatch(lines[0]) for lines in blocks[0])
        if was and is_now and was["key"] == is_now["key"]:
            if secret_under(was["key"], was["value"]) or secret_under(was["key"], is_now["value"]):
                return was["key"]
            return f"{was['key']}: {_cut(was['value'])} → {_cut(is_now['value'])}"
        lines = [each[0] for each in blocks[0]]
        if len("".join(lines)) <= _LONGEST and not any(map(secret_in, lines)):
            return f"{lines[0].strip()} → {lines[1].strip()}"
    count = sum(max(len(removed), len(added)) for removed, added in blocks)
    if not count:
        return "only in the ends of its lines"
    return f"{counted(count, 'line')} {'differ' if count > 1 else 'differs'}"


def without(model: Mapping[str, object], change: Change) -> dict[str, object]:
    """Return the fields of a later declaration, with a change taken back."""
    first, *rest = change.place
    copy = dict(model)
    if rest:
        inner = copy.get(first)
        part = Change(tuple(rest), change.before, change.after)
        copy[first] = without(inner if isinstance(inner, Mapping) else {}, part)
    elif change.before is UNSET:
        copy.pop(first, None)
    else:
        copy[first] = change.before
    return copy


def fields_of(model: BaseModel) -> dict[str, object]:
    """Return the fields of a model as plain values, with references to secrets kept whole."""
    return {name: _plain(getattr(model, name)) for name in type(model).model_fields}


def _plain(value: object) -> object:
    if isinstance(value, SecretRef):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if hasattr(type(value), "model_fields"):
        return fields_of(value)  # type: ignore[arg-type]  # only pydantic's models have fields
    return value


def _changes(before: Mapping[str, object], after: Mapping[str, object], place: Place) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        was, is_now = before.get(name, UNSET), after.get(name, UNSET)
        if isinstance(was, Mapping) and isinstance(is_now, Mapping):
            yield from _changes(was, is_now, (*place, name))
        elif was != is_now:
            yield Change((*place, name), was, is_now)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and "\n" in value.strip()


def _of_files(name: str, before: object, after: object) -> str:
    if not isinstance(before, str):
        return f"{name} is new"
    if not isinstance(after, str):
        return f"{name} is no longer declared"
    return f"{name} differs ({text_change(before, after)})"


def _value(value: object) -> str:
    match value:
        case _ if value is UNSET or value is None:
            return "unset"
        case SecretRef(env=str(variable)):
            return f"@env:{variable}"
        case SecretRef(file=path):
            return f"@file:{path}"
        case timedelta():
            return f"{value.total_seconds():g} s"
        case str() | PurePath():
            return _cut(str(value)) or "(empty)"
        case list() | tuple() if all(isinstance(word, str) for word in value):
            return _cut(" ".join(map(str, value))) or "(empty)"
        case _:
            return _cut(json.dumps(value, default=str))


def _cut(text: str) -> str:
    """Return a text as a single line, cut at the end of a word if that is possible."""
    line = " ".join(text.split())
    if len(line) <= _LONGEST:
        return line
    kept = line[: _LONGEST - 1]
    return f"{kept.rsplit(' ', 1)[0] if ' ' in kept[_LONGEST // 2 :] else kept}…"
