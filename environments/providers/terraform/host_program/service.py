"""Service: started under what the host has, and looked at and stopped under what it was started under."""

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
) -> None:
    """Start it under systemd where that is there for us, else as a plain daemon.

    The record comes first, with its token, so that no process is ever without one.
    """
    require_free(int(env["PORT"]))
    launch = prepare(root, release=release, command=command, env=env, user=user)
    log = launch.log.stat()
    begun = {
        "release": release,
        "token": token,
        "fingerprint": fingerprint,
        "supervisor": "systemd" if systemd.may_be_used() else "daemon",
        "log": {"inode": log.st_ino, "offset": log.st_size},
    }
    record.save(root, begun)
    if begun["supervisor"] == "systemd":
        systemd.start(root, launch, grace)
    else:
        daemon.start(root, launch, begun)


def require_free(port: int) -> None:
    """Make sure that nobody listens on a port, at any address.

    Raises:
        Refused: Somebody does.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return  # the service may be allowed what this program is not
            summary = f"port {port} is in use by another program: stop that or choose another port"
            raise Refused("network", summary) from error


def status(root: Path) -> dict[str, Any] | None:
    """Return the service on record, whether it lives, and which releases run; None for none.

    Somebody may have started another release by hand, so it is the processes that are asked.
    """
    found = record.load(root)
    if found is None:
        return None
    under_systemd = found.get("supervisor") == "systemd"
    seen = systemd.status(root) if under_systemd else daemon.status(found)
    running = directories(of_service(seen["pid"], found["token"]), (root / "releases").resolve())
    return {
        **found,
        "supervisor": "systemd" if under_systemd else "daemon",
        "running": running,
        **seen,
    }


def stop(root: Path, *, grace: float) -> bool:
    """End whatever of it runs, under whichever of the two, and return whether anything did."""
    found = record.load(root)
    ran = systemd.has_unit(root) and systemd.stop(root, grace)
    if found is not None and found.get("supervisor") != "systemd":
        ran = daemon.stop(found, grace) or ran
    record.forget(root)
    return ran


def answers(root: Path, *, port: int, path: str, token: str) -> bool:
    """Return whether the instance answers on the host's own loopback interface."""
    del root
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", path)
        response = connection.getresponse()
        said = str(response.headers).encode(errors="replace") + response.read(65536)
        return response.status == 200 and token.encode() in said
    return False
