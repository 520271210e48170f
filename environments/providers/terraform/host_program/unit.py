r"""The unit file and the environment file of a service, quoted for systemd.

Sources: systemd.service(5), "Command lines"; systemd.syntax(7), "Quoting"; systemd.exec(5),
"EnvironmentFile="; systemd.unit(5), "Specifiers".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .launch import Launch
from .refused import Refused

# Type=exec lets the start fail if the program can't be executed. Without a start limit, systemd goes on
# restarting a service that crashes, however often; a run counts the restarts by itself.
_UNIT = """\
{mark}
[Unit]
Description={name}, served by envchart
After=network.target network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
User={user}
WorkingDirectory={directory}
EnvironmentFile={env}
ExecStart={command}
Restart=on-failure
RestartSec=1
KillMode=control-group
TimeoutStopSec={grace}ms
StandardOutput=append:{log}
StandardError=append:{log}

[Install]
WantedBy=multi-user.target
"""


def mark(root: Path) -> str:
    """Return the first line of the units that envchart makes, by which it recognises them."""
    # Stands in units on hosts: with another text, units made by earlier versions are not recognised.
    return f"# Made by envchart for {root}; every run makes it anew, and destroy removes it."


def unit(root: Path, launch: Launch, grace: float) -> str:
    """Return the text of the unit."""
    # Variables go into a file that only root can read: `systemctl show` tells units to everybody.
    command = " ".join([f"@{quoted(launch.program)}", *(argument(word) for word in launch.words)])
    return _UNIT.format(
        mark=mark(root),
        name=root.name,
        user=launch.user.pw_name,
        directory=path(launch.directory),
        env=globbed(path(root / "service.env")),
        command=command,
        grace=max(1, round(grace * 1000)),  # 0 means no limit
        log=path(launch.log),
    )


def path(place: Path) -> str:
    """Return a path for a setting that takes a plain path, with specifiers escaped."""
    return str(place).replace("%", "%%")


def globbed(place: str) -> str:
    """Return a path for a setting that takes glob patterns."""
    return re.sub(r"[*?\[\]\\]", r"\\\g<0>", place)


def quoted(word: str) -> str:
    """Return a word of a command line for a place where variables are not replaced."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    shown = "".join(char if char.isprintable() else _escape(char) for char in escaped)
    return f'"{shown}"'


def argument(word: str) -> str:
    """Return an argument of a command line, with variables escaped."""
    return quoted(word).replace("$", "$$")


def _escape(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode(errors="surrogateescape"))


def env_file(variables: Mapping[str, str]) -> str:
    """Return the text of an EnvironmentFile.

    Raises:
        Refused: A value is not UTF-8.
    """
    return "".join(f"{name}={_value(name, value)}\n" for name, value in variables.items())


def _value(name: str, value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        summary = f"the variable {name} is not UTF-8, and systemd accepts only that"
        raise Refused("configuration", f"{summary}: encode it, in Base64 for instance") from None
    return '"' + re.sub(r'["\\`$]', r"\\\g<0>", value) + '"'
