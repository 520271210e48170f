"""The names of the commands."""

from __future__ import annotations

from enum import StrEnum


class CommandName(StrEnum):
    """The names of the commands, as users type them."""

    PROVISION = "provision"
    REGISTER = "register"
    CONFIGURE = "configure"
    RELEASE = "release"
    RUN = "run"
    STOP = "stop"
    DESTROY = "destroy"


PATH = (CommandName.PROVISION, CommandName.CONFIGURE, CommandName.RELEASE, CommandName.RUN)
"""The commands from nothing to a running service, in order."""
