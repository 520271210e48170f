"""The service of an environment, under systemd or as a plain daemon."""

from __future__ import annotations

import errno
import http.client
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import daemon, record, systemd
from .launch import prepare
from .processes import directories, of_service
from .refused import Refused


def start(
    root: Path,
    *,
    command: Sequence[str],
    env: dict[str, str],
    user: str | None,
    release: str,
    token: str,
    fingerprint: str,
    grace: float,
    operation: str,
) -> None:
    """Start the service under systemd if this program may use that, else as a plain daemon.

    Raises:
        Refused: The port is in use, or the service can't be started.
    """
    require_free(int(env["PORT"]))
    launch = prepare(root, release=release, command=command, env=env, user=user)
    log = launch.log.stat()
    begun = {
        "release": release,
        "token": token,
        "fingerprint": fingerprint,
        "operation": operation,
        "supervisor": "systemd" if systemd.may_be_used() else "daemon",
        "log": {"inode": log.st_ino, "offset": log.st_size},
    }
    # Before the start: whenever a process of the service exists, its token is recorded.
    record.save(root, begun)
    if begun["supervisor"] == "systemd":
        systemd.start(root, launch, grace)
    else:
        daemon.start(root, launch, begun)


def require_free(port: int) -> None:
    """Check that no program listens on a port, at any address.

    Raises:
        Refused: A program does.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return  # such as a low port: the service may have the permission that this program lacks
            summary = f"port {port} is in use by another program: stop that or choose another port"
            raise Refused("network", summary) from error


def status(root: Path) -> dict[str, Any] | None:
    """Return the recorded service and its state, or None if no service is recorded."""
    found = record.load(root)
    if found is None:
        return None
    under_systemd = found.get("supervisor") == "systemd"
    seen = systemd.status(root) if under_systemd else daemon.status(found)
    # From the processes, not the record: another release may have been started by hand.
    running = directories(of_service(seen["pid"], found["token"]), (root / "releases").resolve())
    return {
        **found,
        "supervisor": "systemd" if under_systemd else "daemon",
        "running": running,
        **seen,
    }


def stop(root: Path, *, grace: float) -> bool:
    """End the service under either supervisor, forget the record, and return whether anything ran."""
    found = record.load(root)
    ran = systemd.has_unit(root) and systemd.stop(root, grace)
    if found is not None and found.get("supervisor") != "systemd":
        ran = daemon.stop(found, grace) or ran
    record.forget(root)
    return ran


def remains(root: Path) -> str:
    """Return the parts of the service that run, or would start at the next boot; empty if none."""
    if systemd.has_unit(root):
        return f"its unit {root.name}.service is still installed"
    found = status(root)
    return f"pid {found['pid']} still runs" if found is not None and found["alive"] else ""


def answers(root: Path, *, port: int, path: str, token: str) -> bool:
    """Return whether the instance answers on the host's own loopback interface."""
    del root  # given to every function
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        response = connection.getresponse()
        said = str(response.headers).encode(errors="replace") + response.read(65536)
        return response.status == 200 and token.encode() in said
    return False
