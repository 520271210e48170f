"""Read YAML as plain data."""

from __future__ import annotations

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from statechart.loading.source import Source, decoded


def read_yaml(source: Source, deepest: int) -> object:
    """Return the data in a document of YAML 1.2, in which `on` is a string.

    Raises:
        DocumentRefused: It is no YAML, or is nested too deeply.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.max_depth = deepest
    try:
        found: object = yaml.load(decoded(source))
        return found
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        reason = error.problem or error.context or "it can't be read"
        raise source.refused(f"it is not valid YAML ({reason}): correct it", line=line) from None
    except (YAMLError, ValueError) as error:
        raise source.refused(f"it is not valid YAML ({str(error).splitlines()[0]}): correct it") from None
