"""Reservations of loopback ports for the environments of a data directory."""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from filelock import AcquireReturnProxy, FileLock, Timeout

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.health import HOST
from environments.providers.local.claims import claims, directory_in, ports_of
from environments.providers.local.layout import Layout
from environments.system.files import (
    OwnPath,
    make_directories,
    remove_file,
    require_file,
    sync_directory,
    write_private,
)
from environments.system.processes import listener_on
from statechart.errors import NotOurs

_CANDIDATES = range(10_000, 32_768)
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Reservations:
    """The reserved ports of a data directory: a file each, named after the port.

    A reservation is void once its environment has no directory.
    """

    # The kernel knows only ports that are listened on. An environment keeps its port while its service
    # is down, and gets it before the service starts.

    data: Path

    @classmethod
    def beside(cls, layout: Layout) -> Reservations:
        """Return the reservations of an environment's data directory."""
        return cls(layout.directory.parent)

    @property
    def _directory(self) -> OwnPath:
        return directory_in(self.data)

    def held_by(self, lineage: str) -> list[int]:
        """Return the reserved ports of an environment, two while its service has yet to move."""
        return ports_of(self.data, lineage)

    def suitable(self, lineage: str, wanted: int | None, served: int | None) -> int | None:
        """Return the reserved port that suits an environment, or None."""
        held = self.held_by(lineage)
        if wanted is not None:
            return wanted if wanted in held else None
        return served if served in held else next(iter(held), None)

    def reserve(self, layout: Layout, wanted: int | None, served: int | None = None) -> int:
        """Reserve the wanted port, or any free port; a suitable port that is held already is kept.

        Args:
            layout: The paths of the environment.
            wanted: The port, or None for any.
            served: The port on which the environment's own service runs; its reservation stays.

        Raises:
            StepFailed: The port is reserved for another environment or in use, or none is free.
        """
        if not self._directory.exists():
            make_directories(self._directory)
            sync_directory(self.data)
        with self._locked():
            held = self.suitable(layout.lineage, wanted, served)
            if held is not None and (held == served or not busy(held)):
                return held
            port = self._checked(wanted, layout, served) if wanted is not None else self._any_free()
            claim = {"lineage": layout.lineage, "name": layout.name, "directory": layout.directory.name}
            # The new claim before the old one goes: a crash in between leaves two, never none.
            write_private(self._directory / str(port), json.dumps(claim) + "\n")
            self._drop(layout.lineage, but=(port, served))
            return port

    def spare(self) -> int:
        """Return a free port that is not reserved, and does not get reserved by this."""
        with self._locked():
            return self._any_free()

    def release(self, lineage: str, but: int | None = None) -> None:
        """Release the ports of an environment, all but one if that is given."""
        if self._directory.exists():
            with self._locked():
                self._drop(lineage, but=(but,))

    def _drop(self, lineage: str, but: tuple[int | None, ...]) -> None:
        for port, owner in self._all():
            if owner.get("lineage") == lineage and port not in but:
                remove_file(self._directory / str(port))
                sync_directory(self._directory)

    def _checked(self, port: int, layout: Layout, served: int | None) -> int:
        owner = dict(self._all()).get(port, {})
        if owner.get("lineage", layout.lineage) != layout.lineage and _exists(self.data, owner):
            summary = f"port {port} is reserved for environment {owner.get('name')!r}"
            raise StepFailed(FailureCause.NETWORK, f"{summary}: choose another port, or destroy that one")
        if port != served:
            require_free(port)
        return port

    def _any_free(self) -> int:
        taken = {port for port, owner in self._all() if _exists(self.data, owner)}
        for port in shuffled(_candidates()):
            if port not in taken and not busy(port):
                return port
        raise StepFailed(FailureCause.NETWORK, f"no port of {_CANDIDATES} on {HOST} is free")

    def _all(self) -> list[tuple[int, dict[str, str]]]:
        return claims(self.data)

    def _locked(self) -> AcquireReturnProxy[FileLock]:
        require_file(self._directory / ".lock")
        lock = FileLock(self._directory / ".lock", timeout=_PATIENCE, mode=0o600)
        try:
            return lock.acquire()
        except Timeout as error:
            summary = f"{self._directory} has been locked for {_PATIENCE:.0f} s by another process"
            raise StepFailed(FailureCause.TIMEOUT, f"{summary}: try again") from error


def _exists(data: Path, owner: dict[str, str]) -> bool:
    """Return whether the environment of a reservation still has a directory."""
    try:
        return "directory" in owner and (OwnPath(data) / owner["directory"]).is_dir()
    except NotOurs:  # a claim that leads out of the data directory
        return False


def _candidates() -> list[int]:
    """Return the ports outside the kernel's range for outgoing connections."""
    try:
        low, high = (int(word) for word in _EPHEMERAL.read_text().split())
    except (OSError, ValueError):
        return list(_CANDIDATES)
    return [port for port in _CANDIDATES if not low <= port <= high] or list(_CANDIDATES)


def shuffled(ports: Iterable[int]) -> list[int]:
    """Return ports in random order."""
    # Data directories do not see each other's reservations: the same order would make them collide.
    found = list(ports)
    random.shuffle(found)
    return found


def busy(port: int) -> bool:
    """Return whether a port can't be listened on."""
    return _refusal(port) is not None


def _refusal(port: int) -> OSError | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":  # as a service does: connections in TIME_WAIT do not block the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            return error
    return None


def require_free(port: int) -> None:
    """Check that a port can be listened on.

    Raises:
        StepFailed: The port is in use, or needs privileges that this process lacks.
    """
    match _refusal(port):
        case None:
            return
        case PermissionError():
            summary = f"port {port} needs privileges that you lack: choose one from 1024 up"
        case _:
            who = listener_on(port)
            name = who.describe() if who else "another program"
            summary = f"port {port} is in use by {name}: stop it or choose another port, then try again"
    raise StepFailed(FailureCause.NETWORK, summary)
