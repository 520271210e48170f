"""Terraform modules: copied to where Terraform works, with their templates rendered."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from pydantic import JsonValue

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.app_files import DEEPEST
from environments.providers.terraform.tofu.declarations import TEMPLATE, Declarations, is_declaring
from environments.system.files import (
    OwnPath,
    entries,
    make_directories,
    read_own,
    remove_file,
    replace_file,
    write_private,
)

VARIABLES_FILE = "envchart.auto.tfvars.json"
_IGNORED = {".terraform", VARIABLES_FILE, ".git"}
# Left in a module in which a user has run Terraform by hand: that state is not the environment's.
_STATE = re.compile(r"(\.?terraform\.tfstate|errored\.tfstate|crash\.log)")
# More than any module has. Links to directories can multiply the files beyond any number.
_MOST_ENTRIES = 100_000


@dataclass(frozen=True, slots=True)
class Module:
    """A user's module, possibly with templates.

    Attributes:
        directory: The directory of the module; files that end in `.j2` are templates.
    """

    directory: Path

    def files(self) -> Iterator[Path]:
        """Yield the module's files in a stable order, without Terraform's own files.

        Links to directories are followed, except to a directory that holds the link.

        Raises:
            StepFailed: There are too many files, or they lie too deep.
        """
        above = frozenset(self.directory.resolve().parents)
        for number, path in enumerate(_walk(self.directory, above)):
            parts = path.relative_to(self.directory).parts
            if number >= _MOST_ENTRIES or len(parts) > DEEPEST:
                limits = f"{_MOST_ENTRIES:,} files, or directories more than {DEEPEST} deep"
                summary = f"directory: {self.directory} holds more than {limits}, links followed"
                raise StepFailed(FailureCause.CONFIGURATION, summary)
            if path.is_file() and not is_terraforms(parts[0]):
                yield path

    def digest(self) -> str:
        """Return the SHA-256 of all files, in hexadecimal.

        Raises:
            StepFailed: There are too many files.
        """
        digest = sha256()
        for path in self.files():
            name = path.relative_to(self.directory).as_posix()
            digest.update(f"{name}\0{sha256(path.read_bytes()).hexdigest()}\0".encode())
        return digest.hexdigest()

    def declarations(self) -> Declarations:
        """Read the blocks that the module's root directory declares, also in templates.

        Raises:
            StepFailed: The parser is not installed.
        """
        return _declarations_in(self.directory)

    def outside(self) -> list[str]:
        """Return the sources of called modules outside the directory, which are not copied with it.

        Raises:
            StepFailed: The parser is not installed.
        """
        outside: dict[str, None] = {}
        seen, left = {"."}, ["."]
        while left:
            place = left.pop()
            for source in _declarations_in(self.directory / place).sources():
                called = posixpath.normpath(posixpath.join(place, source))
                if called == ".." or called.startswith("../"):
                    outside[source] = None
                elif called not in seen:
                    seen.add(called)
                    left.append(called)
        return list(outside)

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


def is_terraforms(name: str) -> bool:
    """Return whether a name is that of Terraform's state, or of a file beside it."""
    return _STATE.match(name) is not None


def _walk(directory: Path, above: frozenset[Path] | None) -> Iterator[Path]:
    """Yield the entries below a directory, sorted by name in each directory.

    With the real paths of the directories above, links to other directories are followed.
    """
    # Without recursion, since directories may be nested deeper than calls.
    left = [(directory, above)]
    while left:
        path, outer = left.pop()
        if path.is_dir() and (path.resolve() not in outer if outer else not path.is_symlink()):
            inner = outer and outer | {path.resolve()}
            entries = sorted(path.iterdir(), reverse=True)
            left += [(entry, inner) for entry in entries if entry.name not in _IGNORED]
        if path != directory:
            yield path


def _declarations_in(directory: Path) -> Declarations:
    files = sorted(directory.iterdir()) if directory.is_dir() else ()
    found = (path for path in files if is_declaring(path.name) and path.is_file())
    return Declarations.of({path.name: path.read_bytes() for path in found})


def write(files: Mapping[str, bytes], variables: Mapping[str, JsonValue], target: OwnPath) -> None:
    """Write files and variables to a directory, and remove other files of an earlier module.

    Terraform's own files stay.
    """
    # Links are removed and never followed: the directory holds only copies.
    for path in list(_copies(target)):
        name = "/".join(path.names[len(target.names) :])
        if is_terraforms(name):  # even a link: without it, the state would look lost
            continue
        # The lock file may come from init and not from the module, and keeps the providers' versions.
        kept = name in files or path.name == ".terraform.lock.hcl"
        if not (kept and path.is_file()):
            remove_file(path)
    for name, content in files.items():
        make_directories((target / name).parent)
        # Provisioners run scripts of the module by their path.
        mode = 0o700 if content.startswith(b"#!") else 0o600
        replace_file(target / name, content, mode=mode, durable=False)
    write_private(target / VARIABLES_FILE, json.dumps(dict(variables), indent=2, sort_keys=True) + "\n")


def copied(target: OwnPath) -> dict[str, bytes]:
    """Return the files of a copy by relative name, without Terraform's own files."""
    relative = {"/".join(path.names[len(target.names) :]): path for path in _copies(target)}
    return {
        name: read_own(path)
        for name, path in relative.items()
        if not is_terraforms(name) and path.is_file()
    }


def _copies(directory: OwnPath) -> Iterator[OwnPath]:
    """Yield all but the directories below a directory, without Terraform's own files."""
    left = [directory]
    while left:
        for path in entries(left.pop()):
            if path.name in _IGNORED:
                continue
            if path.is_dir():
                left.append(path)
            else:
                yield path


def holds(files: Mapping[str, bytes], target: OwnPath) -> str:
    """Return how a directory differs from the files, or an empty string if it does not."""
    for name, content in files.items():
        if not (target / name).is_file():
            return f"{target / name} is not there"
        if read_own(target / name) != content:
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
