"""Login: a token becomes a cookie of the browser, and the page that was asked for is shown."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from statechart.dashboard.forms import form
from statechart.dashboard.query import local_path

if TYPE_CHECKING:
    from starlette.requests import Request

    from statechart.dashboard.guard import Access
    from statechart.dashboard.templating import Templates


def login_routes(templates: Templates, access: Access) -> Sequence[Route]:
    """Return the page to type a token, and the answer to it."""

    def ask(request: Request, onward: str | None, *, wrong: bool = False) -> Response:
        base = request.scope.get("root_path", "")
        status = HTTPStatus.FORBIDDEN if wrong else HTTPStatus.OK
        return templates.page(
            request, "login.html", status=status, onward=local_path(onward, base), wrong=wrong
        )

    async def show(request: Request) -> Response:
        return ask(request, request.query_params.get("onward"))

    async def check(request: Request) -> Response:
        base = request.scope.get("root_path", "")
        if "authorization" in request.headers:  # our module, which has the token of the address
            if not access.admits(request):
                return ask(request, None, wrong=True)
            return known(request, Response(status_code=HTTPStatus.NO_CONTENT))
        fields = await form(request)
        onward = fields.get("onward")
        if not access.is_token(fields.get("token", "").strip()):
            return ask(request, onward, wrong=True)
        return known(request, RedirectResponse(local_path(onward, base), HTTPStatus.SEE_OTHER))

    def known(request: Request, response: Response) -> Response:
        # Lax: a link of a chat opens the page. Without an end, the browser forgets it when it is closed.
        response.set_cookie(
            access.cookie,
            access.token or "",
            httponly=True,
            samesite="lax",
            path=request.scope.get("root_path") or "/",
            secure=_is_secure(request),
        )
        return response

    return [Route("/login", show), Route("/login", check, methods=["POST"])]


def _is_secure(request: Request) -> bool:
    """Return whether the browser speaks TLS, perhaps with a proxy in front of this server."""
    return "https" in (request.scope["scheme"], request.headers.get("origin", "").partition(":")[0])
