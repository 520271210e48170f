"""Measure chart coverage in a run of pytest, with or without the workers of pytest-xdist."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from statechart.engine.hooks import watching
from statechart.testing.coverage import REQUIRED, Coverage
from statechart.testing.reports import REPORTS

_SENT = "statechart_coverage"


class CoveragePlugin:
    """Counts the coverage of each chart, reports it, and fails the run below a threshold."""

    def __init__(self, config: pytest.Config) -> None:
        self.coverage: Coverage = Coverage()
        self._config = config
        self._told: list[str] = []
        self._failures: list[str] = []

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
        """Send a worker's coverage to the controller; there, report and check the threshold."""
        output = getattr(self._config, "workeroutput", None)
        if output is not None:  # a worker of pytest-xdist: the controller reports
            output[_SENT] = self.coverage.dump()
            return
        self._select()
        self._report()
        threshold = self._config.getoption("chart_coverage_fail_under")
        if threshold is not None:
            self._failures += self._below(threshold)
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
        if hasattr(self._config, "workeroutput"):
            return
        terminalreporter.section("chart coverage")
        for text in self._told:
            terminalreporter.write(text)
        for failure in self._failures:
            terminalreporter.write_line(f"FAIL {failure}", red=True)

    def _select(self) -> None:
        patterns = self._config.getoption("chart_coverage_of") or self._config.getini("chart_coverage_of")
        if patterns:
            for reference in list(self.coverage.charts):
                if not any(fnmatchcase(reference, pattern) for pattern in patterns):
                    del self.coverage.charts[reference]

    def _below(self, threshold: float) -> Iterator[str]:
        if not self.coverage.charts and threshold > 0:
            yield f"no chart was touched by any test, and {threshold:g} % are required"
        for reference, covered in sorted(self.coverage.charts.items()):
            for kind in REQUIRED:
                share = covered.percent([kind])
                if share < threshold:
                    yield f"{reference}: {share:g} % of its {kind}, and {threshold:g} % are required"
