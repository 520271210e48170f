"""Host keys pinned in a file of OpenSSH's format.

Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.ssh_library import load_asyncssh
from environments.system.files import (
    AnyPath,
    OwnPath,
    make_directories,
    read_own,
    sync_directory,
    write_private,
)

if TYPE_CHECKING:
    from asyncssh import SSHKnownHosts

_SSH_PORT = 22


def known_hosts_line(host: str, port: int, key: str) -> str:
    """Return the line that pins a key."""
    return f"{_name(host, port)} {key}"


def _name(host: str, port: int) -> str:
    return host if port == _SSH_PORT else f"[{host}]:{port}"


def read_known_hosts(path: AnyPath) -> SSHKnownHosts:
    """Read the pinned keys; a file that is missing holds none.

    Raises:
        StepFailed: A line can't be parsed.
    """
    # Without the comments, for asyncssh splits them where str.splitlines() does.
    lines = ["" if line.startswith("#") else line for line in _lines(path)]
    for number, line in enumerate(lines, 1):
        if problem := _problem(line):
            raise _unusable(path, number, problem)
    return load_asyncssh().import_known_hosts("\n".join(lines))  # type: ignore[no-any-return]  # an optional module


def pinned(path: AnyPath, host: str, port: int, *, authorities: bool = True) -> str | None:
    """Return the key that is pinned for a host, or None.

    With several keys, the first is returned. A pinned certificate authority counts as a key unless
    `authorities` is false: the host has to show a certificate of it.

    Raises:
        StepFailed: A line can't be parsed, or a key for the host may be on a line that can't be read.
    """
    # As for a connection: the entry for the port counts, and without one the entry for the host.
    matched = read_known_hosts(path).match(host, "", None if port == _SSH_PORT else port)
    host_keys, certifying, *_ = matched
    for key in (*host_keys, *(certifying if authorities else ())):
        return " ".join(key.export_public_key().decode().split()[:2])
    # asyncssh passes over keys that it can't read. Without this check, a damaged key would make the
    # host look new, and the next key that it shows would be trusted.
    for number, line in enumerate(_lines(path), 1):
        if line and not line.startswith("#") and not _is_key(_key_of(line)):
            raise _unusable(path, number, "its key can't be read")
    return None


def pin(path: AnyPath, host: str, port: int, key: str) -> None:
    """Pin the key that a host has to show from now on, in place of earlier keys, durably.

    Comments, marked lines, patterns and the entries of other hosts stay.

    Raises:
        StepFailed: The key is not a public key, or a line of the file can't be parsed.
    """
    if not _is_key(key):
        raise StepFailed(FailureCause.CONFIGURATION, f"{key!r} is not a public key that can be read")
    directory = OwnPath.of(path).parent
    make_directories(directory)
    sync_directory(directory.parent)
    read_known_hosts(path)
    name = _name(host, port)
    kept = [left for line in _lines(path) if (left := _without(line, name)) is not None]
    write_private(path, "\n".join([*kept, known_hosts_line(host, port, key)]) + "\n")


def forget(path: AnyPath, host: str, port: int) -> None:
    """Remove the keys that are pinned for a host, durably; other lines stay."""
    name, lines = _name(host, port), _lines(path)
    kept = [left for line in lines if (left := _without(line, name)) is not None]
    if kept != lines:
        write_private(path, "".join(f"{line}\n" for line in kept))


def _lines(path: AnyPath) -> list[str]:
    # Editors may put a byte order mark before the first line, and comments in any encoding.
    try:
        text = read_own(path).decode("utf-8-sig", "replace")
    except FileNotFoundError:
        text = ""
    # Only a newline ends a line: a comment may hold what str.splitlines() takes for the end of a line.
    return [line.strip() for line in text.removesuffix("\n").split("\n")] if text else []


def _without(line: str, name: str) -> str | None:
    """Return a line without a host's name, or None if it names no other host."""
    if not line or line.startswith(("#", "@")):
        return line
    names, key = line.split(maxsplit=1)
    if names.startswith("|"):  # the hash of one name: only a comparison tells whose
        host_keys, *_ = load_asyncssh().import_known_hosts(line).match(name, "", None)
        return None if host_keys else line
    others = [each for each in names.split(",") if each != name]
    return f"{','.join(others)} {key}" if others else None


def _problem(line: str) -> str:
    """Return why asyncssh would refuse a file with this line, or an empty string."""
    try:
        load_asyncssh().import_known_hosts(line)
    except ValueError as error:
        return str(error)
    if line and not line.startswith("#") and "-cert-v01@" in _key_of(line):
        return "a certificate can't be pinned, only a key, or an authority with @cert-authority"
    return ""


def _key_of(line: str) -> str:
    before = 2 if line.startswith("@") else 1
    return line.split(maxsplit=before)[before]


def _is_key(text: str) -> bool:
    asyncssh = load_asyncssh()
    try:
        asyncssh.import_public_key(text)
    except asyncssh.KeyImportError:
        return False
    return True


def _unusable(path: AnyPath, number: int, problem: str) -> StepFailed:
    summary = f"line {number} of {path} can't be used: {problem}; correct or remove it, then try again"
    return StepFailed(FailureCause.CONFIGURATION, summary)
