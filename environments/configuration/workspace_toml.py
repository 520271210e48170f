"""Workspace files: loading, with the line of each problem, and a commented file to begin with."""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from environments.configuration.text_file import read_written
from environments.configuration.workspace_file import (
    DEFAULT_DATA_DIR,
    ListDefaults,
    WorkspaceFile,
    problem_of_store,
)
from environments.errors import InvalidConfiguration, InvalidSelection
from environments.selection import STATES, Selection
from statechart.wording import listed, nearest

_LARGEST = 32 * 1024
_LONGEST_TIMEOUT = 24 * 60 * 60

_Read: TypeAlias = Callable[[Any], Any]  # Any: a value of TOML, and what a field keeps of it
_Place: TypeAlias = tuple[str, ...]
_Problems: TypeAlias = dict[_Place, str]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"should be a string, got {_kind(value)}")  # noqa: TRY004  # for the line
    if not value.strip() or "\0" in value:
        raise ValueError("should not be empty" if not value.strip() else "contains a NUL character")
    return value


def _command_line(value: Any) -> str:
    line = _text(value)
    try:
        shlex.split(line)
    except ValueError as error:
        raise ValueError(f"is not a command line: {str(error).lower()}") from None
    return line


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(_text(word.strip()) for word in value.split(","))
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"should be a list of strings, got {_kind(value)}")
    return tuple(_text(each) for each in value)


def _states(value: Any) -> tuple[str, ...]:
    found, known = _texts(value), STATES
    for state in found:
        if state not in known:
            near = nearest(state, known)
            hint = f"did you mean {near!r}?" if near else f"known are {listed(known)}"
            raise ValueError(f"there is no state {state!r}; {hint}")
    return found


def _labels(value: Any) -> tuple[str, ...]:
    found = _texts(value)
    try:
        Selection.read(labels=found)
    except InvalidSelection as error:
        raise ValueError(str(error)) from None
    return found


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"should be true or false, got {_kind(value)}")  # noqa: TRY004  # for the line
    return value


def _count(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"should be a whole number, got {_kind(value)}")
    if not 1 <= value <= 1000:
        raise ValueError(f"should be a number from 1 to 1000, got {value}")
    return value


def _seconds(value: Any) -> timedelta:
    if type(value) not in (int, float):
        raise ValueError(f"should be a number of seconds, got {_kind(value)}")
    if not 0 < value <= _LONGEST_TIMEOUT:
        raise ValueError(f"should be a number of seconds above 0, at most {_LONGEST_TIMEOUT}, got {value}")
    return timedelta(seconds=value)


def _seen_from(directory: Path, url: str) -> str:
    """Return a URL whose file of SQLite, if it names one, is relative to a directory."""
    scheme, _, file = url.partition(":///")
    if not scheme.startswith("sqlite") or not file or file.startswith(("/", ":", "file:")):
        return url
    return f"{scheme}:///{directory}/{file}"


def _store(value: Any) -> str:
    url = _text(value)
    if problem := problem_of_store(url):
        raise ValueError(problem)
    return url


def _path(value: Any) -> Path:
    # Unlike Path.expanduser, this leaves a user alone who does not exist.
    return Path(os.path.expanduser(_text(value)))  # noqa: PTH111


def _table(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"should be a table, [list], got {_kind(value)}")  # noqa: TRY004  # for the line
    return value


class _Key(NamedTuple):
    read: _Read
    meaning: str
    example: Any


_LIST = {
    "columns": _Key(_texts, "The columns, in order.", ["state", "name", "age"]),
    "sort": _Key(_text, "The column to sort by.", "name"),
    "group_by": _Key(_text, "The label to group by.", "team"),
    "state": _Key(_states, "Only environments in these states.", ["running", "run_failed"]),
    "label": _Key(_labels, "Only environments with these labels.", ["team=web"]),
    "failed": _Key(_flag, "Only environments that need attention.", True),
    "expired": _Key(_flag, "Only environments that have expired.", True),
}
_KEYS = {
    "data_dir": _Key(_path, "The directory of the environments, relative to this file.", DEFAULT_DATA_DIR),
    "store": _Key(
        _store,
        "The URL of the database of the environments, instead of data_dir. Leave out the password.",
        "postgresql://USER@HOST/DATABASE",
    ),
    "parallel": _Key(_count, "How many environments are worked on at once.", 4),
    "on_transition": _Key(
        _command_line,
        "A command that is run after each transition, in this directory, with JSON on stdin.",
        "./notify.sh",
    ),
    "on_transition_timeout": _Key(_seconds, "The time after which that command is ended, in seconds.", 10),
    "list": _Key(_table, "Defaults for the options of list.", None),
}


def load_workspace_file(path: Path) -> WorkspaceFile:
    """Read a workspace file; a relative `data_dir` or file of SQLite is relative to it.

    Raises:
        InvalidConfiguration: The file can't be read, is not TOML, or has an unknown key or a wrong value.
    """
    text = _content(path)
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidConfiguration(str(path), [_not_toml(path, error)]) from error
    problems: _Problems = {}
    found = dict(_values(content, _KEYS, (), problems))
    if "list" in found:
        found["list"] = ListDefaults(**dict(_values(found["list"], _LIST, ("list",), problems)))
    if {"store", "data_dir"} <= found.keys():
        problems["store",] = "store and data_dir exclude each other: remove one of the two"
    if problems:
        lines = _lines(text, problems)
        told = sorted((lines[place], ".".join(place), problem) for place, problem in problems.items())
        raise InvalidConfiguration(str(path), [f"{path}:{line}: {key}: {why}" for line, key, why in told])
    data_dir = path.parent / found.pop("data_dir", DEFAULT_DATA_DIR)
    if "store" in found:
        found["store"] = _seen_from(path.parent, found["store"])
    return WorkspaceFile(**found, data_dir=data_dir, path=path)


def _content(path: Path) -> str:
    text = read_written(path, _LARGEST, "workspace file")
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise InvalidConfiguration(str(path), [f"{path}:{line}: it is not text in UTF-8"]) from None


def _not_toml(path: Path, error: tomllib.TOMLDecodeError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    found = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error), re.DOTALL)
    if found is None:
        return f"{path}: it is not TOML: {error}"
    problem, line, column = found.groups()
    return f"{path}:{line}:{column}: it is not TOML: {problem}"


def _values(
    content: Mapping[str, Any], keys: Mapping[str, _Key], above: _Place, problems: _Problems
) -> Iterator[tuple[str, Any]]:
    """Yield the fields that the content gives, and note the problems of the others."""
    for key, value in content.items():
        if key not in keys:
            near = nearest(key, keys)
            hint = f"did you mean {near!r}?" if near else f"known are {listed(keys)}"
            problems[*above, key] = f"there is no such key; {hint}"
            continue
        try:
            yield key, keys[key].read(value)
        except ValueError as problem:
            problems[*above, key] = str(problem)


def _lines(text: str, places: Iterable[_Place]) -> dict[_Place, int]:
    """Return the line of each place: where the statement begins with which the parser first knows it."""
    # The parser of the standard library knows lines only of errors.
    missing, found = set(places), dict[_Place, int]()
    lines, begin = text.split("\n"), 1
    for end in range(1, len(lines) + 1):
        try:
            content = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a value
        known = {place for place in missing if _is_there(content, place)}
        found |= dict.fromkeys(known, begin)
        missing -= known
        if not missing:
            break
        begin = end + 1
    return found


def _is_there(content: Any, place: _Place) -> bool:
    for part in place:
        if not isinstance(content, dict) or part not in content:
            return False
        content = content[part]
    return True


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    kinds = {int: "a number", float: "a number", str: "a string", list: "a list", dict: "a table"}
    return kinds.get(type(value), "a date or time")


def workspace_file_text(place: str, key: str = "data_dir") -> str:
    """Return a new workspace file, in which the other keys are comments.

    Args:
        place: The place of the environments.
        key: The key of the place: `data_dir` or `store`.
    """
    lines = ["# A workspace of envchart: its commands find this file from every directory below.", ""]
    lines += [f"# {_KEYS[key].meaning}", f"{key} = {_toml(place)}"]
    lines += _commented({name: entry for name, entry in _KEYS.items() if name not in (key, "list")})
    lines += ["", f"# {_KEYS['list'].meaning}", "[list]", *_commented(_LIST)]
    return "\n".join(lines) + "\n"


def _commented(keys: Mapping[str, _Key]) -> Iterator[str]:
    for key, entry in keys.items():
        yield from (f"# {entry.meaning}", f"# {key} = {_toml(entry.example)}")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        characters = (
            f"\\{each}" if each in '\\"' else each if each.isprintable() else f"\\U{ord(each):08x}"
            for each in value
        )
        return f'"{"".join(characters)}"'
    return str(value)
