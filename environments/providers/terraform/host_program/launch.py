"""Launch: what a service is started with, made out before anything is started."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .refused import Refused

_LOG_LIMIT = 1024 * 1024


@dataclass(frozen=True)
class Launch:
    """A service that is about to be started.

    Attributes:
        program: The path of the program.
        words: The words of its command, the first of which is what the program was called.
        directory: The release, in which it runs.
        env: All its variables.
        user: Whom it runs as.
        log: Where its output goes.
    """

    program: str
    words: list[str]
    directory: Path
    env: dict[str, str]
    user: pwd.struct_passwd
    log: Path


def prepare(
    root: Path, *, release: str, command: Sequence[str], env: dict[str, str], user: str | None
) -> Launch:
    """Find out what a service is to be started with, and put a log that has grown long aside.

    Raises:
        Refused: The release, the user or the program is not there.
    """
    directory = root / "releases" / release
    if not directory.is_dir():
        raise Refused("file_system", f"{directory} is not there; release again")
    who = _user(user)
    base = {"PATH": os.environ.get("PATH", os.defpath), "HOME": who.pw_dir}
    given = {**base, "USER": who.pw_name, "LOGNAME": who.pw_name, **env}
    program = _program(directory, command[0], given["PATH"])
    return Launch(program, list(command), directory, given, who, _log(root, who))


def _user(name: str | None) -> pwd.struct_passwd:
    if name is None:
        return pwd.getpwuid(os.geteuid())
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        advice = "make it in the playbook, or name another one"
        raise Refused("configuration", f"service.user: there is no user {name}; {advice}") from None
    if os.geteuid() not in (0, found.pw_uid):
        advice = "set ssh.become, or leave service.user out"
        raise Refused("configuration", f"service.user: only root can start it as {name}; {advice}")
    return found


def _program(directory: Path, name: str, path: str) -> str:
    """Return the path of a program, which is looked for as a shell in the release would do."""
    found = shutil.which(str(directory / name) if "/" in name else name, path=path)
    if found is None:
        where = directory if "/" in name else path
        summary = f"service.command: there is no program {name} in {where}"
        raise Refused("configuration", f"{summary}; install it, or name it by its path")
    return found


def _log(root: Path, user: pwd.struct_passwd) -> Path:
    log = root / "service.log"
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(root / "service.log.1")
    os.close(os.open(log, os.O_WRONLY | os.O_CREAT, 0o600))
    if os.geteuid() == 0:
        os.chown(log, user.pw_uid, user.pw_gid)  # a service may open its own output once more
    return log
