"""Services under systemd: units that are restarted when they fail and started when the host boots."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .files import write
from .launch import Launch
from .refused import Refused
from .unit import env_file, mark, unit
from .waiting import until

_UNITS = Path("/etc/systemd/system")
_BOOTED = Path("/run/systemd/system")
_STATUS = "--property=LoadState,ActiveState,SubState,MainPID,NRestarts"
# Source: systemctl(1) and the D-Bus interface org.freedesktop.systemd1.
_ALIVE = ("active", "activating", "reloading", "refreshing", "deactivating", "maintenance")
_ENDED = ("inactive", "failed")
_AFTER_KILL = 10
_PAUSE = 0.1
_LONGEST = 60


def may_be_used() -> bool:
    """Return whether this host runs systemd and this program may install units."""
    return _BOOTED.is_dir() and os.geteuid() == 0 and shutil.which("systemctl") is not None


def start(root: Path, launch: Launch, grace: float) -> None:
    """Install the unit, enable it, and start it.

    Raises:
        Refused: A foreign unit has the name, or systemd can't start the unit.
    """
    _systemctl("daemon-reload")  # so that units are seen that were put there without it
    _check_name(root)
    write(root / "service.env", env_file(launch.env))
    write(_file(root), unit(root, launch, grace), 0o644)
    _systemctl("daemon-reload")
    _systemctl("enable", _name(root))
    started = _try("start", _name(root))
    if started.returncode != 0:
        stop(root, 0)
        raise Refused("command_execution", f"systemd can't start {_name(root)}: {_last(started.stderr)}")
    os.sync()  # systemctl makes the link that starts the unit at boot, and does not sync it


def status(root: Path) -> dict[str, Any]:
    """Return state, main process and number of restarts.

    A unit between two restarts counts as alive, without a process.

    Raises:
        Refused: Systemd's answer is not understood, so the state is not known.
    """
    if not _BOOTED.is_dir():
        return {"alive": False, "pid": None, "restarts": 0}
    shown = _shown(root)
    state, pid, restarts = (shown.get(name, "") for name in ("ActiveState", "MainPID", "NRestarts"))
    numbers = [int(text) for text in (pid, restarts or "0") if text.isdecimal()]
    if state not in (*_ALIVE, *_ENDED) or len(numbers) != len((pid, restarts)):
        said = ", ".join(f"{name}={value}" for name, value in shown.items()) or "nothing"
        raise Refused("infrastructure", f"systemd's answer about {_name(root)} is not understood: {said}")
    return {"alive": state in _ALIVE, "pid": numbers[0] or None, "restarts": numbers[1]}


def has_unit(root: Path) -> bool:
    """Return whether envchart made a unit for the directory, recorded or not."""
    try:
        return mark(root) in _file(root).read_text(errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return False


def stop(root: Path, grace: float) -> bool:
    """Stop the unit by SIGTERM, then by SIGKILL, remove it, and return whether anything ran.

    Raises:
        Refused: The unit survives SIGKILL.
    """
    name, booted = _name(root), _BOOTED.is_dir()
    there = bool(status(root)["alive"])
    if booted:
        # Not waited for by systemctl: a unit may take longer than one call of this program may.
        _try("stop", "--no-block", name)
        if not _has_ended(root, grace):
            _try("kill", "--signal=KILL", name)
            if not _has_ended(root, _AFTER_KILL):
                raise Refused("command_execution", f"{name} can't be ended, even by force")
    _try("disable", name)
    _file(root).unlink(missing_ok=True)
    (root / "service.env").unlink(missing_ok=True)
    if booted:
        _systemctl("daemon-reload")
        _try("reset-failed", name)
    return there


def _name(root: Path) -> str:
    return f"{root.name}.service"


def _file(root: Path) -> Path:
    return _UNITS / _name(root)


def _check_name(root: Path) -> None:
    """Check that no foreign unit has the name."""
    if has_unit(root) or (_shown(root).get("LoadState") == "not-found" and not _file(root).exists()):
        return
    summary = f"the host has a unit {_name(root)} that envchart did not make for {root}"
    raise Refused("configuration", f"{summary}: give the environment another instance_name")


def _shown(root: Path) -> dict[str, str]:
    said = _systemctl("show", _STATUS, _name(root))
    pairs = (line.partition("=") for line in said.splitlines())
    return {name: value for name, _, value in pairs}


def _has_ended(root: Path, within: float) -> bool:
    return until(lambda: not status(root)["alive"], within=within, every=_PAUSE)


def _systemctl(*words: str) -> str:
    done = _try(*words)
    if done.returncode != 0:
        said = _last(done.stderr)
        raise Refused("infrastructure", f"systemctl {words[0]} ended with {done.returncode}: {said}")
    return done.stdout


def _try(*words: str) -> subprocess.CompletedProcess[str]:
    command = ["systemctl", "--no-ask-password", *words]
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Refused("timeout", f"systemctl {words[0]} did not end within {_LONGEST} s") from None


def _last(text: str) -> str:
    said = [line.strip() for line in text.splitlines() if line.strip()]
    return said[0] if said else "it printed nothing"
