"""Controllers: this machine under another name, as commands on several machines see one another.

Source: unshare(1), uts_namespaces(7), pid_namespaces(7).
"""

from __future__ import annotations

from collections.abc import Sequence

_APART = ("--pid", "--fork", "--kill-child", "--mount-proc")


def on_machine(name: str, words: Sequence[str], *, apart: bool = False) -> list[str]:
    """Return the words that run a command on a machine of another name.

    Args:
        name: The name of the machine.
        words: The command.
        apart: Whether all processes of the machine die with the command, as with the power.
    """
    options = _APART if apart else ()
    return ["unshare", "--uts", *options, "sh", "-c", f'hostname {name} && exec "$@"', "sh", *words]
