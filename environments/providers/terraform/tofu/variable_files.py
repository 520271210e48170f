"""Files of variables, which count more than any other source of their values."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.terraform.tofu.module import VARIABLES_FILE, Module
from environments.providers.terraform.tofu.syntax import parse_hcl

_COLLECTIONS = ("list", "set", "map", "tuple", "object")
_CONTROL = {number: f"\\u{number:04x}" for number in (*range(32), 127)}
_ESCAPES = {**_CONTROL, ord('"'): '\\"', ord("\\"): "\\\\"}


@dataclass(frozen=True, slots=True)
class VariableFiles:
    """The files of a run.

    Attributes:
        descriptors: The descriptors of the secrets' files, for the program to inherit.
        names: The names of the variables, by the path of their file.
    """

    descriptors: tuple[int, ...]
    names: Mapping[str, str]

    @property
    def options(self) -> tuple[str, ...]:
        """The options for the program. They win over every file of the module."""
        return (f"-var-file={VARIABLES_FILE}", *(f"-var-file={path}" for path in self.names))


@contextmanager
def variable_files(directory: Path, secrets: Mapping[str, str]) -> Iterator[VariableFiles]:
    """Give the variables of a module's directory, and the secrets, to a run of the program.

    Raises:
        StepFailed: A secret can't be the value of its variable.
    """
    types = Module(directory).declarations().types() if secrets else {}
    with ExitStack() as stack:
        names: dict[str, str] = {}
        descriptors: list[int] = []
        for name, value in secrets.items():
            # In memory: nothing is left on the disk, however the program or we end.
            descriptor = os.memfd_create(f"envchart-{name}")
            stack.callback(os.close, descriptor)
            os.fchmod(descriptor, 0o600)
            os.write(descriptor, _assignment(name, value, types.get(name, "")))
            descriptors.append(descriptor)
            names[f"/dev/fd/{descriptor}"] = name
        yield VariableFiles(tuple(descriptors), names)


def _assignment(name: str, value: str, type_: str) -> bytes:
    """Return the line that sets a variable to the text of a secret.

    Only for a variable that takes no text, the secret is an expression, such as a list in JSON.
    """
    is_text = not type_.startswith(_COLLECTIONS)
    try:
        line = f"{name} = {_quoted(value) if is_text else value}\n".encode()
    except UnicodeEncodeError:
        raise _unfit(name, "the secret is not text in UTF-8") from None
    if not is_text:
        body = parse_hcl(line)
        if body.blocks or body.attributes.keys() - {name}:
            raise _unfit(name, f"the secret is no expression for a variable of type {type_}")
    return line


def _quoted(text: str) -> str:
    """Return a string of HCL that stands for exactly this text."""
    return '"' + text.translate(_ESCAPES).replace("${", "$\\u007b").replace("%{", "%\\u007b") + '"'


def _unfit(name: str, problem: str) -> StepFailed:
    return StepFailed(FailureCause.CONFIGURATION, f"variables.{name}: {problem}")
