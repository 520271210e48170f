"""Terraform modules: copied to where Terraform works, with their templates rendered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.system.files import write_private

TEMPLATE = ".j2"
VARIABLES_FILE = "envchart.auto.tfvars.json"
_IGNORED = {".terraform", VARIABLES_FILE, ".git"}
# Left in a module in which a user has run Terraform by hand: that state is not the environment's.
_STATE = re.compile(r"(\.?terraform\.tfstate|errored\.tfstate|crash\.log)")
# By pattern and not by a parser of HCL, which would reject templates.
_DECLARED = re.compile(r'^\s*variable\s+"([^"]+)"', re.M)
_OUTPUT = re.compile(r'^\s*output\s+"([^"]+)"', re.M)
_ABOVE = re.compile(r'^\s*source\s*=\s*"(\.\./[^"]*)"', re.M)


@dataclass(frozen=True, slots=True)
class Module:
    """A user's module, possibly with templates.

    Attributes:
        directory: The directory of the module; files that end in `.j2` are templates.
    """

    directory: Path

    def files(self) -> Iterator[Path]:
        """Yield the module's files in a stable order, without Terraform's own files."""
        for path in sorted(self.directory.rglob("*")):
            parts = path.relative_to(self.directory).parts
            if path.is_file() and not _IGNORED & set(parts) and not _STATE.match(parts[0]):
                yield path

    def digest(self) -> str:
        """Return the SHA-256 of all files, in hexadecimal."""
        digest = sha256()
        for path in self.files():
            name = path.relative_to(self.directory).as_posix()
            digest.update(f"{name}\0{sha256(path.read_bytes()).hexdigest()}\0".encode())
        return digest.hexdigest()

    def declared(self) -> set[str]:
        """Return the names of the declared variables, also of those in templates."""
        return {name for text in self._texts() for name in _DECLARED.findall(text)}

    def outputs(self) -> set[str]:
        """Return the names of the declared outputs, also of those in templates."""
        return {name for text in self._texts() for name in _OUTPUT.findall(text)}

    def outside(self) -> list[str]:
        """Return the sources of modules outside the directory, which are not copied with it."""
        depth = {path: len(path.relative_to(self.directory).parts) - 1 for path in self._sources()}
        return [
            source
            for path, below in depth.items()
            for source in _ABOVE.findall(path.read_text(encoding="utf-8", errors="replace"))
            if source.count("../") > below
        ]

    def _sources(self) -> Iterator[Path]:
        for path in self.files():
            if path.name.removesuffix(TEMPLATE).endswith((".tf", ".tofu")):
                yield path

    def _texts(self) -> Iterator[str]:
        for path in self._sources():
            yield path.read_text(encoding="utf-8", errors="replace")

    def render(self, facts: Mapping[str, object]) -> dict[str, bytes]:
        """Return the content of the files by relative name, with templates rendered.

        Raises:
            StepFailed: A template can't be rendered.
        """
        rendered: dict[str, bytes] = {}
        for path in self.files():
            name = path.relative_to(self.directory).as_posix()
            if name.endswith(TEMPLATE):
                rendered[name.removesuffix(TEMPLATE)] = _rendered(path, name, facts)
            else:
                rendered[name] = path.read_bytes()
        return rendered


def write(files: Mapping[str, bytes], variables: Mapping[str, JsonValue], target: Path) -> None:
    """Write files and variables to a directory, and remove other files of an earlier module.

    Terraform's own files stay.
    """
    for path in list(Module(target).files()):
        # The lock file may come from init and not from the module, and keeps the providers' versions.
        if path.relative_to(target).as_posix() not in files and path.name != ".terraform.lock.hcl":
            path.unlink()
    for name, content in files.items():
        (target / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (target / name).write_bytes(content)
        # Provisioners run scripts of the module by their path.
        (target / name).chmod(0o700 if content.startswith(b"#!") else 0o600)
    write_private(target / VARIABLES_FILE, json.dumps(dict(variables), indent=2, sort_keys=True) + "\n")


def holds(files: Mapping[str, bytes], target: Path) -> str:
    """Return how a directory differs from the files, or an empty string if it does not."""
    for name, content in files.items():
        if not (target / name).is_file():
            return f"{target / name} is not there"
        if (target / name).read_bytes() != content:
            return f"{target / name} differs from its source"
    return ""


def _load_jinja2() -> ModuleType:
    # Here and not at the top: Jinja2 comes with an extra, and modules without templates need none.
    try:
        import jinja2
    except ModuleNotFoundError:
        summary = "templates need Jinja2: pip install 'envchart[terraform]'"
        raise StepFailed(FailureCause.CONFIGURATION, summary) from None
    return jinja2


def _rendered(path: Path, name: str, facts: Mapping[str, object]) -> bytes:
    jinja2 = _load_jinja2()
    settings = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # the output is HCL, not HTML
    )
    try:
        text: str = settings.from_string(path.read_text(encoding="utf-8")).render(**facts)
        return text.encode()
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f"{name}:{line}" if line else name
        raise StepFailed(FailureCause.TEMPLATE_RENDERING, f"{where}: {error}") from error
    except UnicodeDecodeError as error:
        raise StepFailed(FailureCause.TEMPLATE_RENDERING, f"{name}: the template is not UTF-8") from error
