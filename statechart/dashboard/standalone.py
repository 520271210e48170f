"""Standalone pages: one HTML file without a script, which asks for no other file."""

from __future__ import annotations

import platform
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from typing import Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from statechart.dashboard.filters import FILTERS, TESTS
from statechart.formats.svg import CHART_CSS

_PROGRAMS: Final = ("envchart", "python-statemachine", "pydantic")
_HOME: Final = "statechart.dashboard"


def standalone(package: str, template: str, facts: Mapping[str, object]) -> str:
    """Return a page from a template that extends `standalone.html`.

    Args:
        package: The package of the template.
        template: The name of the template.
        facts: The values for the template. `say` cleans a text, and has to remove the secrets.
    """
    found: str = (
        _environment(package)
        .get_template(template)
        .render(
            css=Markup(_css()),
            policy=_policy(),
            written=datetime.now(UTC),
            versions=_versions(),
            **facts,
        )
    )
    return found


def standalone_response(page: str) -> HTMLResponse:
    """Return a page as a response, whose policy allows the rules inside of it, and nothing else."""
    # These two only count in a header.
    policy = f"{_policy()}; frame-ancestors 'none'; sandbox"
    return HTMLResponse(page, headers={"content-security-policy": policy})


def _versions() -> Sequence[str]:
    return [
        *(f"{program} {version(program)}" for program in _PROGRAMS),
        f"Python {platform.python_version()}",
        f"{platform.system()} {platform.release()}",
    ]


@cache
def _environment(package: str) -> Environment:
    found = Environment(
        loader=ChoiceLoader([PackageLoader(each) for each in (package, _HOME)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(FILTERS)
    found.tests.update(TESTS)
    return found


@cache
def _css() -> str:
    """Return the rules of the page, and of its chart."""
    source, _, _ = PackageLoader(_HOME).get_source(Environment(), "standalone.css")
    return f"{CHART_CSS}\n{source}"


@cache
def _policy() -> str:
    """Return the policy of the page: its own rules, and nothing else."""
    digest = b64encode(sha256(_css().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
