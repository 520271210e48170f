"""Parametrize tests with the paths or cells of a chart."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from statechart.chart import Chart
from statechart.errors import StatechartError
from statechart.testing.cells import matrix
from statechart.testing.covering import paths
from statechart.wording import listed, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

_KINDS: dict[str, tuple[str, Callable[..., tuple[Any, ...]], tuple[str, ...]]] = {
    "paths": ("path", paths, ("cover", "model", "payloads", "without")),
    "matrix": ("cell", matrix, ("model",)),
}


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Parametrize a test as its markers ask; an invalid marker fails the collection."""
    for kind, (argument, make, options) in _KINDS.items():
        for marker in metafunc.definition.iter_markers(f"statechart_{kind}"):
            try:
                chart = _chart(marker, options)
                values = make(chart, **_options(marker))
            except (StatechartError, ValueError, TypeError) as error:
                raise pytest.Collector.CollectError(
                    f"{place(metafunc.function)}: statechart_{kind}: {error}"
                ) from error
            if argument not in metafunc.fixturenames:
                raise pytest.Collector.CollectError(
                    f"{place(metafunc.function)}: statechart_{kind} gives the test a {argument!r}: "
                    f"add it to the test's parameters"
                )
            metafunc.parametrize(argument, values, ids=str)


def _chart(marker: pytest.Mark, options: tuple[str, ...]) -> type[Chart]:
    for name in marker.kwargs.keys() - set(options) - {"chart"}:
        near = nearest(name, options)
        hint = f"did you mean {near}?" if near else f"known are {listed(options)}"
        raise TypeError(f"there is no option {name!r}: {hint}")
    chart = marker.args[0] if marker.args else marker.kwargs.get("chart")
    if not (isinstance(chart, type) and issubclass(chart, Chart)) or chart is Chart:
        raise TypeError(f"expected a chart's class as the first argument, got {chart!r}")
    if len(marker.args) > 2:
        raise TypeError("the marker takes a chart and a cover; give the other options by name")
    return chart


def _options(marker: pytest.Mark) -> dict[str, Any]:
    given = {name: value for name, value in marker.kwargs.items() if name != "chart"}
    return {"cover": marker.args[1], **given} if len(marker.args) > 1 else given


def refuse_swallowed(collector: pytest.Module, name: str, found: object) -> None:
    """Raise if a marker swallowed a test.

    Raises:
        pytest.Collector.CollectError: A marker's only argument is a chart's class.
    """
    # pytest applied the marker to the class, and the class was called with the test: a machine.
    if isinstance(found, Chart):
        chart = type(found).__name__
        raise pytest.Collector.CollectError(
            f"{collector.nodeid}: {name} is lost: pytest applies a marker whose only argument is a class "
            f"to that class; name the argument, as in @pytest.mark.statechart_matrix(chart={chart})"
        )


def place(function: Any) -> str:  # Any: pytest calls functions and methods tests
    """Return the place of a test, as FILE:LINE."""
    code = inspect.unwrap(function).__code__  # the test itself, below its decorators
    try:
        file = Path(code.co_filename).relative_to(Path.cwd())
    except ValueError:
        file = Path(code.co_filename)
    return f"{file}:{code.co_firstlineno}"
