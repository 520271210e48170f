"""The claims on ports in a data directory."""

from __future__ import annotations

from pathlib import Path

from environments.system.files import OwnPath, entries, read_object


def directory_in(data: Path) -> OwnPath:
    """Return the directory of the claims: a file each, named after the port."""
    return OwnPath(data, (".ports",))


def claims(data: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the claimed ports, each with its owner."""
    ports = [path for path in entries(directory_in(data)) if path.name.isdecimal()]
    return [(int(path.name), _owner(path)) for path in ports]


def ports_of(data: Path, lineage: str) -> list[int]:
    """Return the ports that an environment has claimed, sorted."""
    return sorted(port for port, owner in claims(data) if owner.get("lineage") == lineage)


def _owner(path: OwnPath) -> dict[str, str]:
    """Return the claim in a file; empty if the file can't be read, as no environment misses it then."""
    claim = read_object(path) or {}
    return claim if all(isinstance(value, str) for value in claim.values()) else {}
