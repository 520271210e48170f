"""The options of the command that starts a dashboard, for any program; needs nothing but click."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from ipaddress import ip_address
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from statechart.terminal.program.parameters import NotNegative, PathType
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.settings import shell_word

if TYPE_CHECKING:
    from statechart.terminal.settings import ProgramSettings

HandlerT = TypeVar("HandlerT", bound=Callable[..., Any] | click.Command)  # Any: a handler's parameters

PORT: Final = 8731
"""The usual port."""

_EXTRA: Final = ("starlette", "uvicorn", "jinja2", "anyio", "h11", "markupsafe")
_HIGHEST_PORT: Final = 65_535
_NAME: Final = re.compile(
    r"(?:\w(?:[\w.-]*\w)?|\[[\da-f:.]+\])(?::(?P<port>\d{1,5}))?", re.ASCII | re.IGNORECASE
)
_PATH: Final = re.compile(r"(?:/[\w~-][\w.~-]*)*/?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The way in which a dashboard is to be served.

    Attributes:
        host: The address to listen at.
        port: The port; 0 is any that is free.
        allowed: The further names by which browsers may ask for the server.
        root_path: The path below which a proxy offers the dashboard, or an empty text.
        token_file: The file with the token, written if it is missing; None makes a token for this start.
        needs_token: Whether a token is asked for.
        opens: Whether a browser is started.
    """

    host: str
    port: int
    allowed: tuple[str, ...]
    root_path: str
    token_file: Path | None
    needs_token: bool
    opens: bool

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the server."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False

    def checked(self, settings: ProgramSettings) -> Wanted:
        """Return it, if it makes sense.

        Raises:
            UsageRefused: It opens more than was said, or nobody could ask for it so.
        """
        again = settings.spell("dashboard")
        for problem, *others in (*self._addresses(), *self._openings()):
            raise UsageRefused(problem, tuple(f"{again}{each}" for each in others))
        return self

    def _addresses(self) -> Iterator[tuple[str, ...]]:
        """Yield each address that is none, with the options to use in its place."""
        if self.port > _HIGHEST_PORT:
            yield f"{self.port} is no port: use 1 to {_HIGHEST_PORT}", f" --port {PORT}"
        for name in self.allowed:
            if not _is_name(name):
                yield (
                    f"--allow-host {shell_word(name)} is not as browsers send a name: ASCII letters, or an "
                    "IPv6 address in brackets, and a port if it is not the usual",
                    " --allow-host envs.example.org",
                )
        if _PATH.fullmatch(self.root_path) is None:
            plain = "".join(re.findall(r"[a-z0-9-]", self.root_path)) or "envchart"
            yield (
                f"--root-path {shell_word(self.root_path)} is no path of ASCII letters and digits that "
                "begins with a slash",
                f" --root-path /{plain}",
            )

    def _openings(self) -> Iterator[tuple[str, ...]]:
        """Yield the options that open more than was said, with those to use in their place."""
        host = f"--host {shell_word(self.host)}"
        if not self.is_local and not self.allowed:
            yield (
                f"{host} opens the dashboard to other machines, without TLS: say by which name they ask "
                "for it",
                f" {host} --allow-host NAME",
                "",
            )
        if not self.needs_token and self.token_file is not None:
            yield "--no-token needs no --token-file: leave one away", ""
        if not self.needs_token and not self.is_local:
            yield (
                f"--no-token with {host} would show everything to the whole network",
                f" {host} --allow-host {self.allowed[0]}",
            )


def _is_name(name: str) -> bool:
    """Return whether a text is a name, perhaps with a port, as the `Host` of a request has it."""
    found = _NAME.fullmatch(name)
    return found is not None and int(found["port"] or 0) <= _HIGHEST_PORT


def dashboard_options(handler: HandlerT) -> HandlerT:
    """Add the options of a server; the handler takes them as the fields of `Wanted`."""
    for option in reversed(_OPTIONS):
        handler = option(handler)
    return handler


_OPTIONS: Final = (
    click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at."),
    click.option(
        "--port",
        metavar="PORT",
        type=NotNegative(int),
        default=PORT,
        show_default=True,
        help="The port; 0 is any that is free.",
    ),
    click.option(
        "--allow-host",
        "allowed",
        metavar="NAME[:PORT]",
        multiple=True,
        help="A further name by which browsers may ask for the dashboard; needed for a --host beyond "
        "this machine, and behind a proxy. Repeatable.",
    ),
    click.option(
        "--root-path", metavar="PATH", default="", help="The path below which a proxy offers the dashboard."
    ),
    click.option(
        "--token-file",
        metavar="FILE",
        type=PathType(),
        help="Keep the token in a file, for a service; it is written if it is missing.",
    ),
    click.option(
        "--no-token",
        "needs_token",
        flag_value=False,
        default=True,
        help="Let every user of this machine look.",
    ),
    click.option("--open", "opens", is_flag=True, help="Open the dashboard in a browser."),
)


def load_web(module: str, what: str = "the dashboard") -> ModuleType:
    """Import a module that needs the extra `dashboard`, for what is asked for.

    Raises:
        UsageRefused: The extra is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in _EXTRA:
            raise
        raise UsageRefused(
            f"{what} needs {error.name}, which is not installed",
            ("pip install 'envchart[dashboard]'",),
            code="not_installed",
        ) from error
