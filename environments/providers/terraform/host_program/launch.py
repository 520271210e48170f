"""The program, user and variables of a service, checked before it is started."""

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
        words: The command as it was declared, the program's name first.
        directory: The release: the working directory.
        env: All environment variables.
        user: The user that the service runs as.
        log: The file for its output.
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
    """Look up program and user, prepare the log, and return the complete launch.

    Raises:
        Refused: The release, the user or the program is missing.
    """
    directory = root / "releases" / release
    if not directory.is_dir():
        raise Refused("file_system", f"{directory} is missing; release again")
    who = _user(user)
    # The declared variables come last, and may replace these.
    base = {"PATH": os.environ.get("PATH", os.defpath), "HOME": who.pw_dir}
    given = {**base, "USER": who.pw_name, "LOGNAME": who.pw_name, **env}
    program = _program(directory, command[0], given["PATH"])
    return Launch(program, list(command), directory, given, who, _log(root, who))


def _user(name: str | None) -> pwd.struct_passwd:
    if name is None:
        return _present_user()
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        advice = "create it in the playbook, or name another user"
        raise Refused("configuration", f"service.user: there is no user {name}; {advice}") from None
    if os.geteuid() not in (0, found.pw_uid):
        advice = "set ssh.become, or leave service.user out"
        raise Refused("configuration", f"service.user: only root can start it as {name}; {advice}")
    return found


def _present_user() -> pwd.struct_passwd:
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid)
    except KeyError:  # a container may run under a uid that has no name
        home = os.environ.get("HOME", "/")
        return pwd.struct_passwd((str(uid), "x", uid, os.getegid(), "", home, "/bin/sh"))


def _program(directory: Path, name: str, path: str) -> str:
    """Return the path of a program, found as a shell in the release would find it."""
    found = shutil.which(str(directory / name) if "/" in name else name, path=path)
    if found is None:
        where = directory if "/" in name else path
        summary = f"service.command: there is no program {name} in {where}"
        raise Refused("configuration", f"{summary}; install it, or name it by its path")
    return found


def _log(root: Path, user: pwd.struct_passwd) -> Path:
    log = root / "service.log"
    # Only here: a service that runs keeps its file open, and would go on writing into the old one.
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(root / "service.log.1")
    os.close(os.open(log, os.O_WRONLY | os.O_CREAT, 0o600))
    if os.geteuid() == 0:
        os.chown(log, user.pw_uid, user.pw_gid)  # a service may reopen its output, as /dev/stdout
    return log
