"""The pytest plugin of charts: drivers, paths, matrices, scenarios and coverage."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

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
        metavar="[CHART=]DIR",
        help="compare the tests with the journals in a directory; name their module:Chart if several are "
        "counted, or the module:name of a ChartRepository; repeatable",
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
    """Fail a test whose marker is invalid."""
    generating = sys.modules.get("statechart.testing.generating")
    if generating is not None:  # loaded for the first marker
        generating.require_sound(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> None:
    """Leave this library out of the tracebacks of failures that it explains; `--full-trace` shows all."""
    if call.excinfo is not None and "statechart.errors" in sys.modules:
        for name, module in tuple(sys.modules.items()):
            if name.startswith(_LIBRARY):
                vars(module).setdefault("__tracebackhide__", _is_explained)


_LIBRARY = ("statechart.", "statemachine.")


def _is_explained(error: pytest.ExceptionInfo[BaseException] | None) -> bool:
    """Return whether an error is one of this library's, or was raised by a guard or hook of the test's."""
    if error is None or isinstance(error.value, pytest.fail.Exception):
        return False
    raised = str(error.traceback[-1].frame.f_globals.get("__name__", ""))
    return isinstance(
        error.value, sys.modules["statechart.errors"].StatechartError
    ) or not raised.startswith(_LIBRARY)


def pytest_pycollect_makeitem(collector: pytest.Module, name: str, obj: object) -> None:
    """Check the scenarios of pytest-bdd against their charts."""
    if name.startswith("test") and "pytest_bdd.scenario" in sys.modules:
        _check_scenario(collector.config, obj)


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
