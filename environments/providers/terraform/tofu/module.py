"""Module: a Terraform module made ready to be applied: copied, its templates rendered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.system.files import write_private

if TYPE_CHECKING:
    import jinja2

TEMPLATE = ".j2"
VARIABLES_FILE = "envchart.auto.tfvars.json"
_NONE_OF_IT = {".terraform", VARIABLES_FILE, ".git"}
_STATE = re.compile(r"(\.?terraform\.tfstate|errored\.tfstate|crash\.log)")
_DECLARED = re.compile(r'^\s*variable\s+"([^"]+)"', re.M)
_OUTPUT = re.compile(r'^\s*output\s+"([^"]+)"', re.M)
_ABOVE = re.compile(r'^\s*source\s*=\s*"(\.\./[^"]*)"', re.M)


@dataclass(frozen=True, slots=True)
class Module:
    """A user's module, or a template of one.

    Attributes:
        directory: Where its files are; those that end in `.j2` are templates.
    """

    directory: Path

    def files(self) -> Iterator[Path]:
        """Yield its files in a stable order; what Terraform itself keeps there is none of them."""
        for path in sorted(self.directory.rglob("*")):
            parts = path.relative_to(self.directory).parts
            if path.is_file() and not _NONE_OF_IT & set(parts) and not _STATE.match(parts[0]):
                yield path

    def digest(self) -> str:
        """Return the SHA-256 of all its files, in hexadecimal."""
        digest = sha256()
        for path in self.files():
            name = path.relative_to(self.directory).as_posix()
            digest.update(f"{name}\0{sha256(path.read_bytes()).hexdigest()}\0".encode())
        return digest.hexdigest()

    def declared(self) -> set[str]:
        """Return the names of the variables that it declares, templates included."""
        return {name for text in self._texts() for name in _DECLARED.findall(text)}

    def outputs(self) -> set[str]:
        """Return the names of its outputs."""
        return {name for text in self._texts() for name in _OUTPUT.findall(text)}

    def outside(self) -> list[str]:
        """Return the modules that it takes from directories above its own, which are not copied."""
        depth = {path: len(path.relative_to(self.directory).parts) - 1 for path in self._sources()}
        return [
            source
            for path, below in depth.items()
            for source in _ABOVE.findall(path.read_text(encoding="utf-8", errors="replace"))
            if source.count("../") > below
        ]

    def is_template(self) -> bool:
        """Return whether something in it has to be rendered."""
        return any(path.name.endswith(TEMPLATE) for path in self.files())

    def _sources(self) -> Iterator[Path]:
        for path in self.files():
            if path.name.removesuffix(TEMPLATE).endswith((".tf", ".tofu")):
                yield path

    def _texts(self) -> Iterator[str]:
        for path in self._sources():
            yield path.read_text(encoding="utf-8", errors="replace")

    def render(self, facts: Mapping[str, object]) -> dict[str, bytes]:
        """Return the module's files as they are to be, by relative name.

        Raises:
            StepFailed: A template can't be rendered.
        """
        templates = _templates() if self.is_template() else None
        rendered: dict[str, bytes] = {}
        for path in self.files():
            name = path.relative_to(self.directory).as_posix()
            if templates is None or not name.endswith(TEMPLATE):
                rendered[name] = path.read_bytes()
            else:
                rendered[name.removesuffix(TEMPLATE)] = _rendered(templates, path, name, facts)
        return rendered


def write(files: Mapping[str, bytes], variables: Mapping[str, JsonValue], target: Path) -> None:
    """Make a directory hold the files and variables, and no other files of a module.

    Terraform's own files stay.
    """
    for path in list(Module(target).files()):
        if path.relative_to(target).as_posix() not in files and path.name != ".terraform.lock.hcl":
            path.unlink()
    for name, content in files.items():
        (target / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (target / name).write_bytes(content)
        (target / name).chmod(0o700 if content.startswith(b"#!") else 0o600)
    write_private(target / VARIABLES_FILE, json.dumps(dict(variables), indent=2, sort_keys=True) + "\n")


def holds(files: Mapping[str, bytes], target: Path) -> str:
    """Return what a directory lacks of the files; an empty string for nothing."""
    for name, content in files.items():
        if not (target / name).is_file():
            return f"{target / name} is not there"
        if (target / name).read_bytes() != content:
            return f"{target / name} differs from its source"
    return ""


def _templates() -> jinja2.Environment:
    try:
        import jinja2
    except ModuleNotFoundError:
        summary = "templates need Jinja2: pip install 'envchart[terraform]'"
        raise StepFailed(FailureCause.CONFIGURATION, summary) from None
    return jinja2.Environment(
        undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False
    )


def _rendered(templates: jinja2.Environment, path: Path, name: str, facts: Mapping[str, object]) -> bytes:
    import jinja2

    try:
        return templates.from_string(path.read_text(encoding="utf-8")).render(**facts).encode()
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f"{name}:{line}" if line else name
        raise StepFailed(FailureCause.TEMPLATE_RENDERING, f"{where}: {error}") from error
    except UnicodeDecodeError as error:
        raise StepFailed(FailureCause.TEMPLATE_RENDERING, f"{name}: it is not text in UTF-8") from error
