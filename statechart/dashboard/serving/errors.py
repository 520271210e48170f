"""The errors of a dashboard's start."""

from __future__ import annotations

from pathlib import Path


class DashboardError(Exception):
    """A dashboard can't be started. The command refuses to, so that nobody else meets this error."""


class AddressInUse(DashboardError):
    """Another process listens at the address.

    Attributes:
        listener: That process in words, or None if it belongs to another user.
    """

    def __init__(self, host: str, port: int, listener: str | None) -> None:
        self.host: str = host
        self.port: int = port
        self.listener: str | None = listener
        who = listener or "a process of another user"
        super().__init__(f"port {port} of {host} is in use by {who}: choose another with --port")


class AddressUnusable(DashboardError):
    """The address is none that this process can listen at."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        self.host: str = host
        self.port: int = port
        self.reason: str = reason
        super().__init__(f"port {port} of {host} can't be listened at: {reason}")


class UnusableToken(DashboardError):
    """The file of the token can't be used."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path: Path = path
        self.problem: str = problem
        super().__init__(f"the token can't be kept in {path}: {problem}")
