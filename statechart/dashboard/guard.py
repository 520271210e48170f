"""The guard: who may look at the pages, and from where.

A port of this machine is open to all of its users, and to each page that a browser here shows. So a
request has to name this server as its host, come from a page of this server, and carry the token.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.requests import Request

from statechart.dashboard.query import own_path
from statechart.dashboard.refusals import Refused

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

OPEN_PATHS: Final = ("/login", "/static/", "/healthz")
"""The paths that need no token: they tell nothing of what is kept."""

_SAFE = ("GET", "HEAD")
_OURS = ("same-origin", "none")
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_USUAL_PORTS = ("80", "443")


@dataclass(frozen=True, slots=True)
class Access:
    """The conditions of access to a server of its own.

    Attributes:
        hosts: The hosts by which browsers may name this server, in small letters, each with its port
            unless that is the usual one.
        token: The secret that each request carries, as a cookie or a Bearer token; None lets everybody in.
        cookie: The name of the cookie. Browsers send cookies to all ports of a host, so it names the port.
    """

    hosts: frozenset[str]
    token: str | None
    cookie: str

    @classmethod
    def of(cls, port: int, token: str | None, allowed: Iterable[str] = ()) -> Access:
        """Return the conditions for a port: from this machine, and by the further host names."""
        hosts = {f"{host}:{port}" for host in _LOOPBACK}
        for host in allowed:
            spelled = host.casefold()
            hosts |= {spelled} if has_port(spelled) else {spelled, f"{spelled}:{port}"}
        if str(port) in _USUAL_PORTS:
            hosts |= set(_LOOPBACK)
        return cls(frozenset(hosts), token, f"envchart-{port}")

    def admits(self, request: Request) -> bool:
        """Return whether a request carries the token."""
        return (
            self.token is None
            or self.is_program(request)
            or self.is_token(request.cookies.get(self.cookie, ""))
        )

    def is_program(self, request: Request) -> bool:
        """Return whether a request carries the token as a header, as no page of another origin can."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        return scheme.casefold() == "bearer" and self.is_token(given.strip())

    def is_token(self, given: str) -> bool:
        """Return whether a text is the token, in a time that tells nothing about it."""
        return self.token is not None and hmac.compare_digest(
            given.encode("utf-8", "surrogateescape"), self.token.encode()
        )


def has_port(host: str) -> bool:
    """Return whether a name of a host is followed by a port."""
    return host.rpartition(":")[2].isdigit() and not host.endswith("]")


class Guard:
    """Lets requests pass to an application if they may. Without `access`, the origin alone counts.

    Args:
        app: The application.
        access: The conditions, or None within an application that has its own.
    """

    def __init__(self, app: ASGIApp, access: Access | None) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on.

        Raises:
            Refused: It may not pass.
        """
        if scope["type"] == "http":
            self._check(Request(scope))
        await self._app(scope, receive, send)

    def _check(self, request: Request) -> None:
        host = request.headers.get("host", "").casefold()
        if self._access is not None and host not in self._access.hosts:
            raise Refused(
                HTTPStatus.MISDIRECTED_REQUEST,
                "unknown_host",
                "this server is not known by that name",
                ("start the dashboard with --allow-host NAME to be asked by that name",),
            )
        if not _is_from_here(request, host, self._access):
            raise Refused(
                HTTPStatus.FORBIDDEN,
                "other_origin",
                "the request comes from a page of another origin",
                ("open the address of the dashboard itself",),
            )
        if self._access is not None and not is_open(request) and not self._access.admits(request):
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "no_token",
                "the dashboard needs its token",
                ("open the address that the command printed at its start",),
            )


def is_open(request: Request) -> bool:
    """Return whether a path needs no token."""
    path = own_path(request)
    return any(path == each or (each.endswith("/") and path.startswith(each)) for each in OPEN_PATHS)


def _is_from_here(request: Request, host: str, access: Access | None) -> bool:
    """Return whether a page of this server, or nobody's page, made a request.

    Cookies don't know ports: a page on another port of this machine sends ours with its requests.
    """
    headers = request.headers
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in _OURS or _is_link(request)
    origin = headers.get("origin")
    if origin is not None:
        return origin.casefold().partition("://")[2] == host
    # Every browser names the origin of what changes something, and programs send the token themselves.
    return request.method in _SAFE or access is None or access.is_program(request)


def _is_link(request: Request) -> bool:
    """Return whether a person followed a link of another page, in a tab and not in a frame."""
    headers = request.headers
    return (
        request.method in _SAFE
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )
