"""Launch: a dashboard from its options to its last request."""

from __future__ import annotations

import secrets
import signal
import webbrowser
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import click

from statechart.dashboard.guard import Access, has_port
from statechart.dashboard.serving.errors import AddressInUse, DashboardError
from statechart.dashboard.serving.server import bound, serve
from statechart.dashboard.serving.tokens import kept_token
from statechart.terminal.output import emit, note
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode

if TYPE_CHECKING:
    from statechart.dashboard.serving.options import Wanted
    from statechart.dashboard.site import Site
    from statechart.terminal.settings import ProgramSettings

_TOKEN_BYTES: Final = 32


def launch(
    settings: ProgramSettings, wanted: Wanted, subject: str, build: Callable[[Access], Site[Any]]
) -> None:
    """Serve a dashboard until a signal ends it.

    Args:
        settings: How to print.
        wanted: How to serve, checked.
        subject: What the dashboard shows, in words.
        build: Makes the site for the conditions of access.

    Raises:
        UsageRefused: The address or the token can't be used.
        click.exceptions.Exit: Ctrl-C ended it, which is its usual end.
    """
    try:
        token = _token(wanted)
        listening = bound(wanted.host, wanted.port)
    except AddressInUse as error:
        again = (settings.spell("dashboard --port 0"),)
        raise UsageRefused(str(error), again, code="in_use", exit_code=ExitCode.CONFLICT) from error
    except DashboardError as error:
        raise UsageRefused(str(error), (settings.spell("dashboard"),), code="unusable") from error
    port = listening.getsockname()[1]
    root_path = wanted.root_path.rstrip("/")
    own = f"[{wanted.host}]:{port}" if ":" in wanted.host else f"{wanted.host}:{port}"
    access = Access.of(port, token, [own, *wanted.allowed] if wanted.is_local else wanted.allowed)
    place = own if wanted.is_local else wanted.allowed[0]
    address = f"http://{place if has_port(place) else f'{place}:{port}'}{root_path}/"
    secret = f"#token={token}" if token is not None and wanted.token_file is None else ""

    def say() -> None:
        emit(
            settings,
            {"url": address + secret, "host": wanted.host, "port": port, "token": token},
            f"{subject}: {address}{secret}",
        )
        for line in _remarks(wanted):
            note(line)
        if wanted.opens:
            webbrowser.open(_way_in(address + secret, closing) if secret else address)

    with ExitStack() as closing:
        try:
            serve(build(access), listening, root_path=root_path, ready=say)
        except KeyboardInterrupt:
            raise click.exceptions.Exit(128 + signal.SIGINT) from None


def _way_in(address: str, closing: ExitStack) -> str:
    """Return the address of a file that leads a browser to an address with a token.

    All users of a machine can see the words that programs are started with.
    """
    directory = Path(closing.enter_context(TemporaryDirectory(prefix="dashboard-")))  # for its owner only
    file = directory / "open.html"
    file.write_text(
        '<!doctype html><meta charset="utf-8"><title>Dashboard</title>'
        f'<meta http-equiv="refresh" content="0; url={address}"><a href="{address}">The dashboard</a>\n'
    )
    return file.as_uri()


def _token(wanted: Wanted) -> str | None:
    if not wanted.needs_token:
        return None
    if wanted.token_file is not None:
        return kept_token(wanted.token_file)
    return secrets.token_urlsafe(_TOKEN_BYTES)


def _remarks(wanted: Wanted) -> list[str]:
    remarks = ["Ctrl-C ends the dashboard, and nothing else: commands under way go on"]
    if wanted.token_file is not None:
        remarks.append(f"the token is in {wanted.token_file.absolute()}")
    if not wanted.needs_token:
        remarks.append("without a token: every user of this machine can see all that the pages show")
    if not wanted.is_local:
        remarks.append(
            f"{wanted.host} is reachable from other machines, without TLS: whoever reads the traffic has "
            "the token; put a proxy with TLS in front"
        )
    return remarks
