"""The names of environments."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from environments.model.errors import InvalidName

MAX_NAME_LENGTH = 40
MAX_INSTANCE_NAME_LENGTH = 63
INSTANCE_NAME = re.compile(r"^([a-z]([a-z0-9-]*[a-z0-9])?)?$")
# `\Z`, since `$` also matches before a final line break.
_NAME_RULES = (
    (re.compile(r"^.+", re.S), "is empty"),
    (re.compile(r"^[a-z0-9-]*\Z"), "may contain only a-z, 0-9 and '-'"),
    (re.compile(r"^[a-z]"), "must start with a letter"),
    (re.compile(rf"^.{{1,{MAX_NAME_LENGTH}}}\Z"), f"is longer than {MAX_NAME_LENGTH} characters"),
    (re.compile(r"[^-]\Z"), "must not end with '-'"),
    (re.compile(r"^(?!.*--)"), "must not contain '--'"),
)


def check_name(name: str) -> str:
    """Return the name if it is a valid environment name.

    Raises:
        InvalidName: The name breaks a rule; the error names the rule and suggests a valid name.
    """
    if not isinstance(name, str):
        raise InvalidName(str(name), "a name is a string", _suggest(str(name)))
    for pattern, rule in _NAME_RULES:
        if not pattern.search(name):
            raise InvalidName(name, rule, _suggest(name))
    return name


def _suggest(name: str) -> str:
    words = re.sub(r"-+", "-", re.sub(r"[^a-z0-9]", "-", name.lower())).strip("-")
    # Names need a letter first, and a name without any valid character an example.
    lettered = words if words[:1].isalpha() else f"env-{words}" if words else "demo"
    return lettered[:MAX_NAME_LENGTH].strip("-")


EnvironmentName = Annotated[str, AfterValidator(check_name)]
"""1 to 40 characters `a-z0-9-`, starting with a letter, without a trailing or double dash."""
