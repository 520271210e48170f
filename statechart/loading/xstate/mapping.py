"""Read JSON and YAML as plain data, within limits."""

from __future__ import annotations

import json
from typing import Any, Final

from statechart.loading import xstate
from statechart.loading.source import Source, decoded

DEEPEST: Final = 200
"""The most mappings and lists within one another."""

_MOST: Final = 100_000  # values, with those that aliases repeat


def read_mapping(source: Source) -> dict[str, Any]:
    """Return the mapping in a document.

    Raises:
        DocumentRefused: It is no JSON or YAML, no mapping, or is nested too deeply.
    """
    found = _json(source) if source.language == "json" else xstate.read_yaml(source, DEEPEST)
    if not isinstance(found, dict):
        raise source.refused(f"it is a {type(found).__name__}: give a mapping with states")
    _check(source, found)
    return found


def _json(source: Source) -> object:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise source.refused(f"the key {twice!r} appears twice in a mapping: remove one")
        return found

    try:
        found: object = json.loads(decoded(source), object_pairs_hook=once)
        return found
    except json.JSONDecodeError as error:
        raise source.refused(f"it is not valid JSON ({error.msg}): correct it", line=error.lineno) from None


def _check(source: Source, whole: object) -> None:
    """Refuse what is too deep or too large; aliases are counted as often as they stand there."""
    count = 0
    left: list[tuple[object, int]] = [(whole, 1)]
    while left:
        value, depth = left.pop()
        count += 1
        if depth > DEEPEST or count > _MOST:
            limit = (
                f"nested more than {DEEPEST} deep" if depth > DEEPEST else f"of more than {_MOST:,} values"
            )
            raise source.refused(f"it is {limit}: divide the chart")
        if isinstance(value, dict):
            wrong = next((key for key in value if not isinstance(key, (str, int))), None)
            if wrong is not None:
                raise source.refused(f"the key {wrong!r} is no string: put it into quotes")
            left += [(each, depth + 1) for each in value.values()]
        elif isinstance(value, list):
            left += [(each, depth + 1) for each in value]
