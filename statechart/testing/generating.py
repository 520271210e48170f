"""Parametrize tests with the paths or cells of a chart."""

from __future__ import annotations

import inspect
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

import pytest

from statechart.errors import StatechartError
from statechart.testing.cells import matrix
from statechart.testing.covering import paths
from statechart.testing.models import require_chart
from statechart.wording import listed, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from statechart.chart import Chart

_KINDS: dict[str, tuple[str, Callable[..., tuple[Any, ...]], tuple[str, ...]]] = {
    "paths": ("path", paths, ("cover", "model", "payloads", "without")),
    "matrix": ("cell", matrix, ("model", "payloads")),
}


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Parametrize a test as its markers ask; with an invalid marker, the test fails when it runs."""
    # Not the collection, which would keep all other tests of the file from running.
    for kind, (argument, make, options) in _KINDS.items():
        for marker in metafunc.definition.iter_markers(f"statechart_{kind}"):
            where = f"{place(metafunc.function)}: statechart_{kind}"
            try:
                values = make(_chart(marker, options), **_options(marker))
            except Exception as error:  # of the user's model, guards and hooks, which run now
                setattr(metafunc.function, _PROBLEM, f"{where}: {_told(error)}")
                return
            if argument not in metafunc.fixturenames:
                problem = f"{where} gives the test a {argument!r}: add it to the test's parameters"
                setattr(metafunc.function, _PROBLEM, problem)
                return
            metafunc.parametrize(argument, values, ids=str)


_PROBLEM = "statechart_problem"


def _told(error: Exception) -> str:
    """Return an error in words, with the place if other code than ours raised it."""
    frame = extract_tb(error.__traceback__)[-1]
    if isinstance(error, StatechartError) or _OURS in Path(frame.filename).parents:
        return "; ".join([str(error), *getattr(error, "__notes__", ())])
    return f"{type(error).__name__}: {error} ({_relative(frame.filename)}:{frame.lineno})"


_OURS = Path(__file__).parents[1]


def require_sound(item: pytest.Item) -> None:
    """Fail a test whose marker is invalid; the message names the place of the test."""
    problem = getattr(getattr(item, "function", None), _PROBLEM, None)
    if problem is not None:
        pytest.fail(problem, pytrace=False)


def _chart(marker: pytest.Mark, options: tuple[str, ...]) -> type[Chart]:
    for name in marker.kwargs.keys() - set(options) - {"chart"}:
        near = nearest(name, options)
        hint = f"did you mean {near}?" if near else f"known are {listed(options)}"
        raise TypeError(f"there is no option {name!r}: {hint}")
    if not marker.args and "chart" not in marker.kwargs:
        raise TypeError(f"the marker names no chart: add its class, as in {marker.name}(OrderChart)")
    chart: type[Chart] = marker.args[0] if marker.args else marker.kwargs["chart"]
    require_chart(chart)
    if len(marker.args) > 2:
        raise TypeError("the marker takes a chart and a cover; give the other options by name")
    return chart


def _options(marker: pytest.Mark) -> dict[str, Any]:
    given = {name: value for name, value in marker.kwargs.items() if name != "chart"}
    return {"cover": marker.args[1], **given} if len(marker.args) > 1 else given


def place(function: Any) -> str:  # Any: pytest calls functions and methods tests
    """Return the place of a test, as FILE:LINE."""
    code = inspect.unwrap(function).__code__  # the test itself, below its decorators
    return f"{_relative(code.co_filename)}:{code.co_firstlineno}"


def _relative(file: str) -> Path:
    here = Path.cwd()
    return Path(file).relative_to(here) if Path(file).is_relative_to(here) else Path(file)
