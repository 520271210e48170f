"""Literals: values as Python source, with the imports that the source needs."""

from __future__ import annotations

import builtins
import json
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, Flag
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from statechart.terminal.refusal import UsageRefused


class Unwritable(UsageRefused):
    """A value that has no literal."""

    def __init__(self, value: object) -> None:
        kind = value if isinstance(value, type) else type(value)
        super().__init__(
            f"{kind.__name__} can't be written as Python source",
            ("give the model's class as module:Model, at the top of a module",),
            code="unwritable",
        )


@dataclass(slots=True)
class Source:
    """Writes values, and collects the imports that they need."""

    _names: dict[str, tuple[str, str]] = field(default_factory=dict)

    def name(self, kind: type) -> str:
        """Return the name of a class, which is imported.

        Raises:
            Unwritable: The class is local to a function, or another of its name is imported already.
        """
        generic = getattr(kind, "__pydantic_generic_metadata__", {})
        origin = generic.get("origin") or get_origin(kind)
        if isinstance(origin, type):
            arguments = map(self.name, generic.get("args") or get_args(kind))
            return f"{self.name(origin)}[{', '.join(arguments)}]"
        if not isinstance(kind, type):
            raise Unwritable(kind)
        path: str = kind.__qualname__
        if getattr(builtins, path, None) is kind:
            return path
        top = path.split(".")[0]
        if "<locals>" in path or self._names.setdefault(top, (kind.__module__, top)) != (
            kind.__module__,
            top,
        ):
            raise Unwritable(kind)
        return path

    def imports(self) -> list[str]:
        """Return the import statements: those of the standard library, a blank line, and the others."""
        modules: dict[str, list[str]] = {}
        for module, name in self._names.values():
            modules.setdefault(module, []).append(name)
        lines: dict[bool, list[str]] = {True: [], False: []}
        for module, names in sorted(modules.items()):
            is_standard = module.split(".")[0] in sys.stdlib_module_names
            lines[is_standard].append(f"from {module} import {', '.join(sorted(names))}")
        return [*lines[True], *([""] if lines[True] and lines[False] else []), *lines[False]]

    def call(self, kind: type, arguments: Iterable[tuple[str, object]]) -> str:
        """Return the call of a class with keyword arguments."""
        given = ", ".join(f"{name}={self.literal(value)}" for name, value in arguments)
        return f"{self.name(kind)}({given})"

    def literal(self, value: Any) -> str:  # Any: of any class
        """Return the source of a value.

        Raises:
            Unwritable: It has none.
        """
        if isinstance(value, Flag):
            return f"{self.name(type(value))}({value.value!r})"
        if isinstance(value, Enum):
            return f"{self.name(type(value))}.{value.name}"
        if value is None or type(value) in (bool, int, str, bytes):
            return _quoted(value) if isinstance(value, str) else repr(value)
        if type(value) is float:
            return repr(value) if value - value == 0 else f"float({str(value)!r})"
        write = next((write for kind, write in _WRITERS.items() if type(value) is kind), None)
        if write is not None:
            return write(self, value)
        if isinstance(value, BaseModel):
            return self._model(value)
        if is_dataclass(value) and not isinstance(value, type):
            return self.call(
                type(value), [(each.name, getattr(value, each.name)) for each in fields(value) if each.init]
            )
        if isinstance(value, PurePath):
            return f"{self.name(type(value))}({str(value)!r})"
        return self._plain(value)

    def _plain(self, value: Any) -> str:  # Any: of a class without a form of its own
        """Return the call of a class that takes its attributes."""
        parts = getattr(value, "__dict__", None)
        if parts and not isinstance(value, type) and all(name.isidentifier() for name in parts):
            with suppress(TypeError, ValueError):
                if vars(type(value)(**parts)) == parts:
                    return self.call(type(value), parts.items())
        raise Unwritable(value)

    def _model(self, value: BaseModel) -> str:
        kind = type(value)
        given = {
            name: getattr(value, name)
            for name, field in kind.model_fields.items()
            if field.is_required() or getattr(value, name) != field.get_default(call_default_factory=False)
        }
        with suppress(ValueError, TypeError, Unwritable):  # of aliases, or of values without a literal
            if kind(**given) == value:
                return self.call(kind, given.items())
        text = json.dumps(value.model_dump(mode="json", by_alias=True, round_trip=True))
        return f"{self.name(kind)}.model_validate_json({text!r})"

    def _each(self, values: Iterable[object]) -> str:
        return ", ".join(map(self.literal, values))

    def _sorted(self, values: Iterable[object]) -> str:
        # By their source, as members of an Enum have no order.
        return ", ".join(sorted(map(self.literal, values)))


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return quoted if text.isprintable() and "\\" not in text else repr(text)


def _tuple(source: Source, value: tuple[object, ...]) -> str:
    return f"({source._each(value)},)" if value else "()"


def _dict(source: Source, value: dict[object, object]) -> str:
    inside = ", ".join(f"{source.literal(key)}: {source.literal(each)}" for key, each in value.items())
    return "{" + inside + "}"


def _moment(source: Source, value: Any) -> str:  # Any: a date or time
    return f"{source.name(type(value))}.fromisoformat({_quoted(value.isoformat())})"


def _text(source: Source, value: object) -> str:
    return f"{source.name(type(value))}({_quoted(str(value))})"


_WRITERS: dict[type, Callable[[Source, Any], str]] = {
    list: lambda source, value: f"[{source._each(value)}]",
    tuple: _tuple,
    dict: _dict,
    set: lambda source, value: f"{{{source._sorted(value)}}}" if value else "set()",
    frozenset: lambda source, value: f"frozenset([{source._sorted(value)}])",
    Decimal: _text,
    UUID: _text,
    datetime: _moment,
    date: _moment,
    time: _moment,
    timedelta: lambda source, value: f"{source.name(timedelta)}(seconds={value.total_seconds()!r})",
    SimpleNamespace: lambda source, value: source.call(SimpleNamespace, vars(value).items()),
}
