"""Host keys: which key a host has to show, kept in a file as OpenSSH reads it. Source: sshd(8)."""

from __future__ import annotations

from pathlib import Path

from environments.system.files import sync_directory, write_private


def known_hosts_line(host: str, port: int, key: str) -> str:
    """Return the line that pins a key, as OpenSSH reads it."""
    return f"{_place(host, port)} {key}"


def _place(host: str, port: int) -> str:
    return host if port == 22 else f"[{host}]:{port}"


def pinned(known_hosts: Path, host: str, port: int) -> str | None:
    """Return the key that is pinned for a host, or None."""
    place = _place(host, port)
    lines = known_hosts.read_text(encoding="utf-8").splitlines() if known_hosts.is_file() else []
    found = (line.split(maxsplit=1)[1] for line in lines if line.split(maxsplit=1)[0] == place)
    return next(found, None)


def pin(known_hosts: Path, host: str, port: int, key: str) -> None:
    """Pin the key that a host has to show from now on, durably, in the place of another one."""
    known_hosts.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    sync_directory(known_hosts.parent.parent)
    place = _place(host, port)
    lines = known_hosts.read_text(encoding="utf-8").splitlines() if known_hosts.is_file() else []
    kept = [line for line in lines if line.split(maxsplit=1)[:1] != [place]]
    write_private(known_hosts, "\n".join([*kept, known_hosts_line(host, port, key)]) + "\n")
