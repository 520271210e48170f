"""The surroundings of an Ansible process: paths without special characters, a locale, search paths."""

from __future__ import annotations

import locale
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from environments.providers.common.paths import absolute
from environments.system.files import write_private

_PLAIN = re.compile(r"[A-Za-z0-9_./@+-]+")
_VARIABLE = re.compile(r"\$\{?(\w+)")
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # parents of a private directory
_LOCALES = ("", "C.UTF-8", "en_US.UTF-8")  # the first is the user's own
_SYSTEM = Path("/usr/share/ansible")


class PlainPaths:
    """Paths for programs that give some characters of a path a meaning of their own.

    Ansible replaces variables in paths, takes a comma or a colon for the end of one, and renders
    templates; OpenSSH replaces `%` and reads quotes. No quoting satisfies both.
    """

    def __init__(self) -> None:
        self._directory: Path | None = None
        self._links: dict[Path, str] = {}

    def __call__(self, path: Path) -> str:
        """Return a path to the same file that has no special characters: a link if necessary."""
        if _PLAIN.fullmatch(str(path)):
            return str(path)
        if path not in self._links:
            link = self._private() / str(len(self._links))
            link.symlink_to(path.absolute())
            self._links[path] = str(link)
        return self._links[path]

    def without_replaced(self, variables: Mapping[str, str], *more: Path) -> dict[str, str]:
        """Return environment variables without those that are named in the paths, or in more paths."""
        # Ansible follows links to some files, and then replaces variables in the paths that it finds.
        found = "\n".join(os.path.realpath(path) for path in (*self._links, *more))
        replaced = set(_VARIABLE.findall(found))
        return {name: value for name, value in variables.items() if name not in replaced}

    def write(self, name: str, text: str) -> str:
        """Write a private file that lives as long as the links, and return its path."""
        write_private(self._private() / name, text)
        return str(self._private() / name)

    def _private(self) -> Path:
        if self._directory is None:
            usual = tempfile.gettempdir()
            parent = usual if _PLAIN.fullmatch(usual) else next(filter(os.path.isdir, _TEMPORARY), usual)
            self._directory = Path(tempfile.mkdtemp(prefix="envchart-", dir=parent))
        return self._directory

    def close(self) -> None:
        """Remove the links."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)


@contextmanager
def plain_paths() -> Iterator[PlainPaths]:
    """Yield plain paths, and remove their links at the end."""
    paths = PlainPaths()
    try:
        yield paths
    finally:
        paths.close()


def utf8_locale() -> dict[str, str]:
    """Return the variables that give Ansible a UTF-8 locale; none if the user's locale is UTF-8."""
    # As Ansible checks it. A locale that is not installed can't be set.
    before = locale.setlocale(locale.LC_ALL)
    try:
        found = next((name for name in _LOCALES if _is_utf8(name)), "C.UTF-8")
    finally:
        locale.setlocale(locale.LC_ALL, before)
    return {"LC_ALL": found} if found else {}


def _is_utf8(name: str) -> bool:
    try:
        locale.setlocale(locale.LC_ALL, name)
        encoding = locale.getlocale()[1]
    except (locale.Error, ValueError):
        return False
    return (encoding or "").lower() in ("utf-8", "utf8")


def search_paths(variables: Mapping[str, str], plain: PlainPaths) -> dict[str, str]:
    """Return where Ansible looks for collections and roles: where `ansible-galaxy` installs them.

    Args:
        variables: The user's environment variables.
        plain: Returns paths without special characters.
    """
    home = absolute(Path(variables.get("ANSIBLE_HOME") or "~/.ansible"), Path())

    def places(kind: str, *declared: str) -> str:
        given = next((variables[name] for name in declared if variables.get(name)), "")
        # Ansible runs beside the playbook: relative paths are the user's.
        first = ":".join(str(absolute(Path(each), Path())) for each in given.split(":") if each)
        own = plain(home / kind) if (home / kind).is_dir() else ""
        return ":".join(filter(None, (first, own, str(_SYSTEM / kind))))

    return {
        "ANSIBLE_COLLECTIONS_PATH": places(
            "collections", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_COLLECTIONS_PATHS"
        ),
        "ANSIBLE_ROLES_PATH": f"{places('roles', 'ANSIBLE_ROLES_PATH')}:/etc/ansible/roles",
    }
