"""Measure chart coverage in a run of pytest, with or without the workers of pytest-xdist."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from statechart.chart import Chart
from statechart.engine.hooks import watching
from statechart.errors import ChartNotFound
from statechart.reference import find_attribute, find_chart
from statechart.stored.repository import ChartRepository
from statechart.testing.coverage.counting import Coverage
from statechart.testing.coverage.items import PRODUCTION, Covered, percent, reference_of
from statechart.testing.coverage.production import Journals, Taken
from statechart.testing.coverage.reports import REPORTS
from statechart.testing.coverage.thresholds import MEASURES, STEPS, thresholds
from statechart.wording import listed

_SENT = "statechart_coverage"


class CoveragePlugin:
    """Counts the coverage of each chart, reports it, and fails the run below a threshold.

    Raises:
        pytest.UsageError: A threshold or a directory of journals makes no sense.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.coverage: Coverage = Coverage()
        self._config = config
        self._told: list[str] = []
        self._failures: list[str] = []
        self._patterns: Sequence[str] = config.getoption("chart_coverage_of") or config.getini(
            "chart_coverage_of"
        )
        with _usage("--chart-coverage-fail-under"):
            self._required = thresholds(config.getoption("chart_coverage_fail_under") or ())
        with _usage("--chart-coverage-journals"):
            self._journals = [
                Journals.named(each) for each in config.getoption("chart_coverage_journals") or ()
            ]
        if not self._journals:  # which belong to charts that no pattern needs to name
            self.coverage.only = self._patterns
        if PRODUCTION in self._required and not self._journals:
            raise pytest.UsageError(
                f"a threshold of {PRODUCTION} needs journals: add --chart-coverage-journals=DIR"
            )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        """Find the charts of the journals, after the tests were collected and before any runs."""
        if not hasattr(self._config, "workeroutput"):
            self._journals = [self._found(journals) for journals in self._journals]

    def _found(self, journals: Journals) -> Journals:
        """Return journals with the reference of their chart as the tests know it.

        Raises:
            pytest.UsageError: The reference leads to neither a chart nor a repository.
        """
        reference = journals.reference
        # A chart of a test module must not be imported a second time.
        if reference is None or (journals.place and reference in map(reference_of, _loaded())):
            return journals
        try:
            named = find_attribute(reference, root=self._config.rootpath)
            if isinstance(named, ChartRepository):
                return Journals(named.store.where, reference_of(named.chart), named.store)
            chart = reference_of(find_chart(reference, root=self._config.rootpath))
        except ChartNotFound as error:
            others = _repositories(reference.rpartition(":")[0])
            also = f"; its repositories are {', '.join(others)}" if others else ""
            raise pytest.UsageError(f"--chart-coverage-journals: {error}{also}") from error
        if journals.place is None:
            raise pytest.UsageError(
                f"--chart-coverage-journals: {reference} is a chart: add the place of its histories, "
                f"as in {reference}=DIR"
            )
        return replace(journals, reference=chart)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Count the events that a test fires."""
        self.coverage.begin(item.nodeid)
        try:
            with watching(self.coverage.watch):
                return (yield)
        finally:
            self.coverage.begin(None)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:  # Any: a worker, of pytest-xdist's own class
        """Add the coverage of a worker."""
        dumped = getattr(node, "workeroutput", {}).get(_SENT)
        if dumped is not None:
            self.coverage.merge(dumped)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send a worker's coverage to the controller; there, report and check the thresholds."""
        if session.exitstatus == pytest.ExitCode.USAGE_ERROR:
            return
        self.coverage.add(chart for chart in _loaded() if self._counts(chart))
        output = getattr(self._config, "workeroutput", None)
        if output is not None:  # a worker of pytest-xdist: the controller reports
            output[_SENT] = self.coverage.dump()
            return
        self._select()
        self._add_production()
        self._report()
        self._failures += self._below()
        # Never hide a worse exit status.
        passed = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        if self._failures and session.exitstatus in passed:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _report(self) -> None:
        """Make the reports that were requested, and write their files."""
        for wanted in dict.fromkeys(self._config.getoption("chart_coverage_report") or ["term"]):
            kind, _, place = wanted.partition(":")
            make, usual = REPORTS[kind]
            text, path = make(self.coverage), place or usual
            if path is None:
                self._told.append(text)
                continue
            try:
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                Path(path).write_text(text, encoding="utf-8")
                self._told.append(f"chart coverage written to {path}\n")
            except OSError as error:
                self._failures.append(f"{path} can't be written: {error.strerror}; name another file")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the reports and the failures."""
        if not self._told + self._failures:  # a worker, or a usage error
            return
        terminalreporter.section("chart coverage")
        for text in self._told:
            terminalreporter.write(text)
        for failure in self._failures:
            terminalreporter.write_line(f"FAIL {failure}", red=True)

    def _counts(self, chart: type[Chart]) -> bool:
        """Return whether a chart counts that no test touched: one of the project, if no pattern says."""
        reference = reference_of(chart)
        if self._patterns or any(journals.reference == reference for journals in self._journals):
            return True
        file = Path(getattr(sys.modules[chart.__module__], "__file__", None) or "/")
        return "site-packages" not in file.parts and file.is_relative_to(self._config.rootpath)

    def _select(self) -> None:
        """Leave out the charts that are not asked for, and count the others that are."""
        named = {journals.reference for journals in self._journals}
        for charts in (self.coverage.charts, self.coverage.untouched):
            for reference in list(charts):
                asked = any(fnmatchcase(reference, pattern) for pattern in self._patterns)
                if self._patterns and not asked and reference not in named:
                    del charts[reference]
        everything = self._config.getoption("chart_coverage_untouched") or self._config.getini(
            "chart_coverage_untouched"
        )
        untouched = self.coverage.untouched
        self.coverage.count_untouched(each for each in untouched if everything or each in named)

    def _add_production(self) -> None:
        """Add the transitions of the journals to their charts."""
        for journals in self._journals:
            taken = journals.taken()
            if not taken.names:
                self._failures.append(taken.nothing())
                continue
            covered = self._chart_of(journals, taken)
            if covered is not None:
                covered.meet_production(taken.items(covered), taken.lines())

    def _chart_of(self, journals: Journals, taken: Taken) -> Covered | None:
        charts = self.coverage.charts
        if journals.reference is not None:
            return charts[journals.reference]
        # Without a name, only one chart may come into question.
        told = [
            each
            for each in charts.values()
            if not each.items["transitions"].keys().isdisjoint(taken.items(each))
        ]
        found = told or list(charts.values())
        if len(found) == 1:
            return found[0]
        several = (
            f"{listed(each.reference for each in found)} may be meant" if found else "no chart is counted"
        )
        self._failures.append(
            f"the journals in {taken.place} belong to an unknown chart, as {several}: name it, as in "
            f"--chart-coverage-journals={found[0].reference if found else 'module:Chart'}={taken.place}"
        )
        return None

    def _below(self) -> Iterator[str]:
        highest = max((limit for kind, limit in self._required.items() if kind != STEPS), default=0.0)
        if not self.coverage.charts and highest > 0:
            yield f"no chart was touched by any test, and {highest:g} % are required"
        for reference, covered in sorted(self.coverage.charts.items()):
            for kind, threshold in self._required.items():
                if kind == PRODUCTION and covered.seen == {} and threshold > 0:
                    seen = f"{reference}: no transition was seen in production"
                    yield f"{seen}, and {threshold:g} % are required"
                share = covered.percent([kind]) if kind in covered.items else 100.0
                if share < threshold:
                    name = MEASURES[kind]
                    yield f"{reference}: {share:g} % of its {name}, and {threshold:g} % are required"
        yield from self._steps_below(self._required.get(STEPS, 0.0))

    def _steps_below(self, threshold: float) -> Iterator[str]:
        if not self.coverage.steps and threshold > 0:
            yield f"no step was observed in any test, and {threshold:g} % are required"
        for outcome, met, of in self.coverage.counted_steps():
            share = percent(met, of)
            if share < threshold:
                yield f"steps: {share:g} % were {outcome} in a test, and {threshold:g} % are required"


@contextmanager
def _usage(option: str) -> Iterator[None]:
    """Turn a ValueError into a usage error of an option."""
    try:
        yield
    except ValueError as error:
        raise pytest.UsageError(f"{option}: {error}") from error


def _repositories(module: str) -> list[str]:
    """Return the references of the repositories in a module, if it is imported."""
    held = vars(sys.modules[module]) if module in sys.modules else {}
    return [f"{module}:{name}" for name, each in held.items() if isinstance(each, ChartRepository)]


def _loaded(base: type[Chart] = Chart) -> Iterator[type[Chart]]:
    """Yield the charts that modules declare, of those that are imported now."""
    for chart in base.__subclasses__():
        yield from _loaded(chart)
        # Charts that a function makes, and those of a module that was since imported anew, are left out.
        if chart.states_map and getattr(sys.modules.get(chart.__module__), chart.__name__, None) is chart:
            yield chart
