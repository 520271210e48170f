"""Configuration: an environment's spec in a YAML file, with every fault told by its line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from environments.configuration.messages import Place, Problem, faults_of, spelled
from environments.errors import InvalidConfiguration
from environments.model.spec import EnvironmentSpec

_LARGEST = 1_000_000
_MISTAGGED = "a value is not what the tag before it says"
_QUOTING = {
    "found undefined alias": "a value that begins with '*' has to be put in quotes",
    "could not determine a constructor": "a value that begins with '!' has to be put in quotes",
    "found undefined tag handle": "a value that begins with '!' has to be put in quotes",
    "duplicate tag handle": "a tag handle is there twice",
}


def load_spec(path: Path, *, name: str | None = None) -> EnvironmentSpec:
    """Read a spec from a file; relative paths in it are made absolute, as seen from the file.

    Args:
        path: The YAML file.
        name: The environment's name, where the file has none; it has to be the same otherwise.

    Raises:
        InvalidConfiguration: The file can't be read, or is not a valid spec; one problem a line.
    """
    node = _parse(path)
    faults = list(_structural_faults(node))
    if faults:
        raise _refusal(path, node, faults)
    content = _construct(path, node)
    if name is not None and content.setdefault("name", name) != name:
        fault = f"the file says {content['name']!r}, and {name!r} was asked for"
        raise _refusal(path, node, [(("name",), fault)])
    try:
        spec = EnvironmentSpec.model_validate(content)
    except ValidationError as error:
        raise _refusal(path, node, faults_of(error, content)) from error
    provider = spec.provider.relative_to(path.absolute().parent)
    return spec.model_copy(update={"provider": provider})


def _parse(path: Path) -> yaml.MappingNode:
    def refuse(problem: str) -> InvalidConfiguration:
        return InvalidConfiguration(str(path), [problem])

    try:
        if path.exists() and not path.is_file():
            raise refuse("it is not a file")
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise refuse(f"it can't be read: {error.strerror} ({path.absolute()})") from error
    if len(content) > _LARGEST:
        raise refuse(f"it is larger than {_LARGEST:,} bytes, which no spec is")
    try:
        node = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        at = f"{path}:{error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise refuse(f"{at}it is not YAML: {_problem(error)}") from None
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        raise refuse(f"it is not YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(node, yaml.MappingNode):
        raise refuse("it is empty" if node is None else "it has to hold keys and values, like 'name: demo'")
    return node


def _structural_faults(root: yaml.MappingNode) -> Iterator[Problem]:
    """Yield what YAML allows and a spec must not have: keys twice or not text, and aliases."""
    seen: set[int] = set()
    waiting: list[tuple[Place, yaml.Node]] = [((), root)]
    while waiting:
        place, node = waiting.pop()
        if id(node) in seen and not isinstance(node, yaml.ScalarNode):
            yield place, "it repeats another part through an alias; write it out"
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [((*place, number), part) for number, part in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            keys = [str(key.value) for key, _ in node.value]
            for (key, value), word in zip(node.value, keys, strict=True):
                if key.tag != "tag:yaml.org,2002:str":
                    yield (*place, word), "a key has to be a text; put it in quotes"
                waiting.append(((*place, word), value))
            for word in sorted({word for word in keys if keys.count(word) > 1}):
                yield (*place, word), "it is there twice"


def _construct(path: Path, node: yaml.MappingNode) -> dict[str, Any]:
    loader = yaml.SafeLoader("")
    try:
        found: dict[str, Any] = loader.construct_document(node)
    except (yaml.MarkedYAMLError, ValueError, LookupError, AttributeError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f"{path}:{mark.line + 1}: " if mark else ""
        raise InvalidConfiguration(str(path), [f"{at}{_problem(error)}"]) from None
    finally:
        loader.dispose()
    return found


def _problem(error: Exception) -> str:
    """Return what YAML finds wrong, without what it quotes of the file: that may be a secret."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return str(error) if type(error) is ValueError and "'" not in str(error) else _MISTAGGED
    problem = error.problem or error.context or ""
    return next((told for begin, told in _QUOTING.items() if problem.startswith(begin)), problem)


def _refusal(path: Path, node: yaml.Node, faults: Iterable[Problem]) -> InvalidConfiguration:
    lines = sorted((_line(node, place), place, text) for place, text in faults)
    return InvalidConfiguration(
        str(path), [f"{path}:{line}: {spelled(place)}{text}" for line, place, text in lines]
    )


def _line(node: yaml.Node, place: Place) -> int:
    """Return the line of a place, or of the nearest one around it that is in the file."""
    line: int = node.start_mark.line + 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == part]
            if not found:
                break
            key, node = found[-1]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
