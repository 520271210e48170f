"""The names of the commands."""

from __future__ import annotations

from enum import StrEnum


class CommandName(StrEnum):
    """The commands, by the name that a user types."""

    PROVISION = "provision"
    REGISTER = "register"
    CONFIGURE = "configure"
    RELEASE = "release"
    RUN = "run"
    DESTROY = "destroy"
