"""The pytest plugin of charts: drivers, paths, matrices, scenarios and coverage."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from traceback import walk_tb
from typing import TYPE_CHECKING, Any
from unittest import TestCase

import pytest

# All other imports stand in functions: every run of pytest loads this module, most runs use no chart,
# and a module that is loaded this early is missing from coverage measurements.

if TYPE_CHECKING:
    from statechart.testing.driver import Driver

_BDD = "statechart-bdd"
REPORTS = ("term", "html", "json", "mermaid")


_MARKERS = {
    "statechart_paths": "(chart, cover='edges', model=None, payloads=None, without=()): "
    "run the test with each `path` of events that together cover the chart",
    "statechart_matrix": "(chart, model=None, payloads=None): "
    "run the test with each `cell` of the state-event matrix",
}


class _Marker:
    """A marker that takes a chart as its only argument."""

    # Pytest's own would mark that class instead, and the test would become a machine of the chart: which
    # stops the collection of the file if the chart can't be built so.

    def __init__(self, plain: pytest.MarkDecorator) -> None:
        self._plain = plain

    def __call__(self, *arguments: Any, **options: Any) -> Any:  # Any: those of pytest's own marker
        only = arguments[0] if len(arguments) == 1 and not options else None
        test = (
            isinstance(only, type) and only.__name__.startswith("Test") and not hasattr(only, "states_map")
        )
        if isinstance(only, type) and not test:
            return self._plain.with_args(only)
        return self._plain(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("chart coverage", "coverage of statecharts")
    group.addoption(
        "--chart-coverage",
        action="store_true",
        help="count the states, transitions, guards and refusals that the tests meet",
    )
    group.addoption(
        "--chart-coverage-report",
        action="append",
        default=[],
        metavar="KIND[:FILE]",
        type=_report,
        help="term (the default), html, json or mermaid; repeatable, and it may name a file",
    )
    group.addoption(
        "--chart-coverage-fail-under",
        action="append",
        default=[],
        metavar="PERCENT",
        help="fail if a chart's states, transitions or refusals are met to less than this; of one measure "
        "as in transitions:100,guards:80; repeatable",
    )
    group.addoption(
        "--chart-coverage-of",
        action="append",
        default=[],
        metavar="PATTERN",
        help="count only charts whose module:Chart matches, as in shop.*:*; repeatable",
    )
    group.addoption(
        "--chart-coverage-untouched",
        action="store_true",
        help="count charts that were imported, and touched by no test",
    )
    group.addoption(
        "--chart-coverage-journals",
        action="append",
        default=[],
        metavar="[CHART=]DIR|URL",
        help="compare the tests with the histories in a directory or database; name their module:Chart if "
        "several are counted, or the module:name of a ChartRepository; repeatable",
    )
    untouched = "count charts that were imported, and touched by no test"
    parser.addini("chart_coverage_untouched", untouched, type="bool", default=False)
    parser.addini("chart_coverage_of", "the charts to count, as patterns of module:Chart", type="args")
    parser.addini("statechart", "the chart of Given/When/Then scenarios that name none, as module:Chart")


def _report(value: str) -> str:
    kind = value.partition(":")[0]
    if kind not in REPORTS:
        raise ArgumentTypeError(f"there is no report {kind!r}: use {', '.join(REPORTS)}")
    return value


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, and start counting if coverage is requested."""
    for name, arguments in _MARKERS.items():
        config.addinivalue_line("markers", f"{name}{arguments}")
        if not isinstance(getattr(pytest.mark, name), _Marker):
            setattr(pytest.mark, name, _Marker(getattr(pytest.mark, name)))
    wanted = ("report", "fail_under", "of", "untouched", "journals")
    if config.getoption("chart_coverage"):
        from statechart.testing.coverage.measuring import CoveragePlugin

        config.pluginmanager.register(CoveragePlugin(config), "statechart-coverage")
    elif any(config.getoption(f"chart_coverage_{name}") for name in wanted):
        raise pytest.UsageError("the chart coverage options need --chart-coverage")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize tests with the paths and cells of their markers."""
    if any(metafunc.definition.get_closest_marker(f"statechart_{kind}") for kind in ("paths", "matrix")):
        from statechart.testing.generating import parametrize

        parametrize(metafunc)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test whose marker is invalid, or has no effect."""
    if issubclass(getattr(item, "cls", None) or object, TestCase) and any(
        map(item.get_closest_marker, _MARKERS)
    ):
        pytest.fail(
            "a TestCase of unittest takes no parameters: move the test into a function or a plain class",
            pytrace=False,
        )
    generating = sys.modules.get("statechart.testing.generating")
    if generating is not None:  # loaded for the first marker
        generating.require_sound(item)


# After unittest's own, which puts the error of a TestCase there, and before the one that makes the report.
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Leave this library out of the tracebacks of failures that it explains; `--full-trace` shows all."""
    if call.excinfo is None or "statechart.errors" not in sys.modules:
        return
    for name, module in sys.modules.copy().items():  # other threads may import meanwhile
        if name.startswith(_LIBRARY):
            vars(module).setdefault("__tracebackhide__", _is_explained)
    error = call.excinfo.value
    if _is_told(error) and not item.config.getoption("fulltrace"):
        error.__cause__ = _cause_of_test(error)


_LIBRARY = ("statechart.", "statemachine.")


def _raised_by(error: BaseException) -> str:
    """Return the module that raised an error."""
    frames = list(walk_tb(error.__traceback__))
    return str(frames[-1][0].f_globals.get("__name__", "")) if frames else "statechart."


def _is_told(error: BaseException) -> bool:
    """Return whether this library raised an error for the reader of a test."""
    ours = isinstance(error, (AssertionError, TypeError, ValueError, pytest.UsageError))
    return isinstance(error, sys.modules["statechart.errors"].StatechartError) or (
        ours and _raised_by(error).startswith("statechart.testing.")
    )


def _is_explained(found: pytest.ExceptionInfo[BaseException] | None) -> bool:
    """Return whether an error is told, or was raised by a guard or hook of the test's."""
    if found is None or isinstance(found.value, pytest.fail.Exception):
        return False
    return _is_told(found.value) or not _raised_by(found.value).startswith(_LIBRARY)


def _cause_of_test(error: BaseException) -> BaseException | None:
    """Return the nearest cause of an error that the test's own code raised; the error tells the others."""
    cause = error.__cause__
    while cause is not None and _raised_by(cause).startswith((*_LIBRARY, "pydantic.")):
        cause = cause.__cause__
    return cause


@pytest.hookimpl(optionalhook=True)
def pytest_bdd_step_error(
    request: pytest.FixtureRequest,
    feature: Any,  # Any: pytest-bdd's own classes
    step: Any,
    step_func: Callable[..., object],
    exception: Exception,
) -> None:
    """Show the line of a failed step; instead of a traceback, if the library tells the reason."""
    if step_func.__module__ != "statechart.testing.bdd":
        return
    place = sys.modules["statechart.testing.scenarios"].place(feature, step, request.config.rootpath)
    if _is_told(exception):
        raise pytest.fail.Exception(f"{place}: {exception}", pytrace=False) from None
    exception.add_note(f"at {place}")


def pytest_pycollect_makeitem(collector: pytest.Module, name: str, obj: object) -> Any:
    """Check the scenarios of pytest-bdd against their charts, and find tests that became a machine."""
    if name.startswith("test") and "pytest_bdd.scenario" in sys.modules:
        _check_scenario(collector.config, obj)
    if name.lower().startswith("test") and _is_decorated(obj):
        # An unknown marker has marked the chart, which then took the test as its model.
        return pytest.Function.from_parent(collector, name=name, callobj=_not_marked)
    return None


def _is_decorated(obj: Any) -> bool:  # Any: whatever a module holds
    """Return whether a chart's class was the decorator of a test."""
    chart = sys.modules.get("statechart.chart")
    return chart is not None and isinstance(obj, chart.Chart) and callable(obj.model)


def _not_marked() -> None:
    pytest.fail(f"a marker of this test is misspelt: known are {' and '.join(_MARKERS)}", pytrace=False)


def _check_scenario(config: pytest.Config, test: object) -> None:
    import statechart.testing.scenarios as scenarios

    if scenarios.template_of(test) is None:
        return
    if not config.pluginmanager.has_plugin(_BDD):
        import statechart.testing.bdd as bdd

        config.pluginmanager.register(bdd, _BDD)
    scenarios.check(test, str(config.getini("statechart")), config.rootpath)


@pytest.fixture
def chart_driver() -> Callable[..., Driver]:
    """Make a driver of a chart: `chart_driver(OrderChart, state="paid", amount=3)`."""
    from statechart.testing.driver import Driver

    def make(chart: Any, **options: Any) -> Driver:  # Any: what Driver takes
        return Driver(chart, **options)

    return make
