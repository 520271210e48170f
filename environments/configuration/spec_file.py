"""Load specs from YAML files; each problem is reported with its line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from environments.configuration.messages import (
    MOST_PROBLEMS,
    Problem,
    faults_of,
    messages_of,
    spelled,
    unmentioned,
)
from environments.configuration.text_file import read_written
from environments.configuration.yaml_document import Document, NotYaml, parse_yaml
from environments.errors import InvalidConfiguration
from environments.model.spec import EnvironmentSpec
from environments.secrets.references import BLANK, placed_references

_LARGEST = 1_000_000


def load_spec(path: Path, *, name: str | None = None) -> EnvironmentSpec:
    """Load a spec from a file, and make its paths absolute, relative to the file.

    Args:
        path: The YAML file.
        name: The environment's name if the file has none; otherwise, both names must be equal.

    Raises:
        InvalidConfiguration: The file can't be read or is not a valid spec; each problem has a line.
    """
    document = _parse(path)
    if document.problems:
        raise _refusal(path, document, document.problems)
    content = document.content
    if name is not None and content.setdefault("name", name) != name:
        problem = f"the file says {content['name']!r}, but {name!r} was requested"
        raise _refusal(path, document, [(("name",), problem)])
    try:
        spec = EnvironmentSpec.model_validate(content)
    except ValidationError as error:
        faults = sorted(faults_of(error, content), key=lambda fault: document.line(fault[0]))
        raise _refusal(path, document, messages_of(faults, content), len(faults)) from error
    blank = [(place, BLANK) for place, reference in placed_references(spec) if reference.is_blank]
    if blank:
        raise _refusal(path, document, blank)
    # The paths are stored, and commands run in other directories than the file.
    provider = spec.provider.relative_to(path.absolute().parent)
    return spec.model_copy(update={"provider": provider})


def _parse(path: Path) -> Document:
    def refuse(problem: str) -> InvalidConfiguration:
        return InvalidConfiguration(str(path), [problem])

    text = read_written(path, _LARGEST, "spec")
    try:
        document = parse_yaml(text)
    except NotYaml as error:
        at = f"{path}:{error.line}:{error.column}: " if error.line else ""
        raise refuse(f"{at}{error.problem}") from error
    if document.content is None:
        raise refuse("it is empty")
    if not isinstance(document.content, dict):
        raise refuse("it has to be a mapping of keys to values, like 'name: demo'")
    return document


def _refusal(
    path: Path, document: Document, problems: Sequence[Problem], count: int | None = None
) -> InvalidConfiguration:
    """Return an error with the first problems of a number of problems."""
    lines = sorted((document.line(place), place, text) for place, text in problems)[:MOST_PROBLEMS]
    told = [f"{path}:{line}: {spelled(place)}{text}" for line, place, text in lines]
    more = [f"{path}: {text}" for text in unmentioned(count or len(problems))]
    return InvalidConfiguration(str(path), [*told, *more])
