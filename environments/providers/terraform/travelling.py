"""The files of a spec that travel to other machines, and the things that each machine has of its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from environments.artifacts.trees import Tree, is_left_out
from environments.model.command_name import CommandName
from environments.providers.common import ssh
from environments.providers.common.ansible import playbook
from environments.providers.common.app_files import files_of
from environments.providers.terraform.tofu import program
from environments.providers.terraform.tofu.module import Module
from environments.secrets.references import placed_references, references

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from environments.providers.terraform.settings import TerraformSettings

_OF_MODULE: Final = frozenset((CommandName.PROVISION, CommandName.DESTROY))
_OF_PLAYBOOK: Final = frozenset((CommandName.CONFIGURE,))
_OF_APP: Final = frozenset((CommandName.RELEASE,))
_SECRETS: Final[Mapping[CommandName, frozenset[str]]] = {
    CommandName.PROVISION: frozenset(("variables",)),
    CommandName.DESTROY: frozenset(("variables",)),
    CommandName.CONFIGURE: frozenset(("playbook_variables", "vault_password")),
    CommandName.RUN: frozenset(("service",)),
}


def trees(spec: TerraformSettings) -> Sequence[Tree]:
    """Return the module, the directory of the playbook if there is one, and the application.

    Keys and files with secrets that the spec names stay where they are, also inside of these directories.
    """
    kept = _kept(spec)
    found = [
        Tree(
            "directory",
            "module",
            spec.directory,
            spec.directory,
            lambda: _module(spec.directory, kept),
            _OF_MODULE,
        ),
        Tree(
            "app",
            "application",
            spec.app,
            spec.app,
            lambda: (path for path in files_of(spec.app) if path not in kept),
            _OF_APP,
            links=True,
        ),
    ]
    if (site := spec.playbook) is not None:
        beside = site.parent
        found.append(
            Tree("playbook", "playbook", site, beside, lambda: _playbook(beside, kept), _OF_PLAYBOOK)
        )
    return found


def _kept(spec: TerraformSettings) -> frozenset[Path]:
    """Return the files with keys and secrets, which each machine has of its own."""
    return frozenset((spec.ssh.key, *(each.file for each in references(spec) if each.file is not None)))


def _module(directory: Path, kept: frozenset[Path]) -> Iterator[Path]:
    for path in Module(directory).files():
        if path not in kept and not any(map(is_left_out, path.relative_to(directory).parts)):
            yield path


def _playbook(directory: Path, kept: frozenset[Path]) -> Iterator[Path]:
    """Yield the files beside a playbook, where its roles, files and variables are.

    Hidden files and directories beside it are a project's own, such as `.env` and `.venv`. Data
    directories, and links to directories, are not followed.
    """
    for above, directories, files in os.walk(directory):
        here = Path(above)
        is_top = here == directory
        directories[:] = [each for each in directories if not _is_apart(here / each, is_top=is_top)]
        for name in files:
            path = here / name
            if path not in kept and not is_left_out(name) and not (is_top and name.startswith(".")):
                yield path


def _is_apart(path: Path, *, is_top: bool) -> bool:
    return (
        (is_top and path.name.startswith("."))
        or is_left_out(path.name)
        or path.is_symlink()
        or (path / ".locks").is_dir()
    )


def placed(spec: TerraformSettings, places: Mapping[str, Path]) -> dict[str, Path]:
    """Return the fields of a spec whose files are elsewhere, by name."""
    found = {field: places[field] for field in ("directory", "app") if field in places}
    if spec.playbook is not None and "playbook" in places:
        found["playbook"] = places["playbook"] / spec.playbook.name
    return found


def lacking(spec: TerraformSettings, command: CommandName) -> Sequence[str]:
    """Return a line for each key, secret and program that a command needs and this machine lacks."""
    return (*_keys(spec, command), *_secrets(spec, command), *_programs(spec, command))


def _keys(spec: TerraformSettings, command: CommandName) -> Iterable[str]:
    # To destroy a host, it need not be reached; a step tells where it has to be.
    if command is not CommandName.DESTROY and (problem := ssh.check_key_file(spec.ssh.key)):
        yield f"ssh.key: {problem}"


def _secrets(spec: TerraformSettings, command: CommandName) -> Iterable[str]:
    fields = _SECRETS.get(command, frozenset())
    for place, reference in placed_references(spec):
        if place[0] in fields and (missing := reference.missing):
            yield f"{'.'.join(map(str, place))}: {missing}"


def _programs(spec: TerraformSettings, command: CommandName) -> Iterable[str]:
    if command in _OF_MODULE and program.find(spec.binary) is None:
        looked_for = spec.binary or " or ".join(program.CANDIDATES)
        yield f"binary: {looked_for} is not on the path; install it"
    if command in _OF_PLAYBOOK and spec.playbook is not None and playbook.find() is None:
        yield "playbook: ansible-playbook is not on the path; pip install 'envchart[terraform]'"
