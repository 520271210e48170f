"""Templates: the pages of a dashboard, whole or only a part of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from statechart.dashboard.filters import FILTERS, TESTS

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from statechart.overview import Source

PART: Final = "x-part"
"""The header by which a page asks for a part of itself: `main` is the content with its title."""

VERSION: Final = "statechart.version"
"""The key of a request's scope with the version of what its page shows."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The facts that every page shows.

    Attributes:
        title: The name of the dashboard.
        place: The store, in words.
        source: The store as it is followed.
    """

    title: str
    place: str
    source: Source[Any]  # Any: rows of any kind

    @property
    def watching(self) -> str:
        """How changes are noticed."""
        return self.source.watching


class Templates:
    """Templates of several packages, the first that has the name; values are escaped.

    Args:
        packages: The packages with a folder `templates`.
        facts: The values that all templates are given.
        filters: Functions that templates use on values, by name, beside those of `filters.py`.
    """

    def __init__(
        self,
        packages: Sequence[str],
        facts: Mapping[str, object],
        filters: Mapping[str, Callable[..., object]] | None = None,
    ) -> None:
        self._environment = Environment(
            loader=ChoiceLoader([PackageLoader(each) for each in packages]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.filters.update({**FILTERS, **(filters or {})})
        self._environment.tests.update(TESTS)
        self._environment.globals.update(facts, base="")
        # Included templates don't have the imports of the page, so the macros are global.
        self._environment.globals["ui"] = self._environment.get_template("macros.html").module

    def serve_below(self, base: str) -> None:
        """Set the path that all links begin with, where rows are drawn without a request."""
        self._environment.globals["base"] = base

    def page(self, request: Request, template: str, *, status: int = 200, **facts: object) -> Response:
        """Return a page, or the part of it that the request asks for."""
        found = self._environment.get_template(template)
        given = {
            "request": request,
            "base": request.scope.get("root_path", ""),
            "version": request.scope.get(VERSION, ""),
            "part": request.headers.get(PART),
            **facts,
        }
        return HTMLResponse(found.render(given), status, headers={"Vary": "X-Part"})

    def draw(self, template: str, **facts: object) -> str:
        """Return a template without a request: a row, for example."""
        return self._environment.get_template(template).render(facts)
