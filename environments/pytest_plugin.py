"""The pytest plugin of environments, with a workspace for tests."""

# Pytest loads the plugin for every project in which envchart is installed, so only pytest and the lazy
# package are imported here; the fixtures import the rest.

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

import environments

if TYPE_CHECKING:
    from pathlib import Path

    from environments.execution.progress import Observer
    from environments.testing import FixedClock, ScriptedProvider


@pytest.fixture
def step_coverage(request: pytest.FixtureRequest) -> Observer:
    """An observer that counts the outcomes of steps, if chart coverage was requested."""
    from environments.testing.step_coverage import StepWatcher

    counting = request.config.pluginmanager.get_plugin("statechart-coverage")
    return StepWatcher(counting.coverage.step if counting is not None else lambda _step, _how: None)


@pytest.fixture
def envchart_fixed_clock() -> FixedClock:
    """A clock that only the test and `sleep` move; sleeping takes no time."""
    from environments.testing import FixedClock

    return FixedClock()


@pytest.fixture
def scripted_provider() -> Iterator[ScriptedProvider]:
    """The provider of environments with a `ScriptedSpec`; its steps follow the test's script."""
    from environments.testing import ScriptedProvider

    with ScriptedProvider().installed() as provider:
        yield provider


@pytest.fixture
def envchart_workspace(
    tmp_path: Path, envchart_fixed_clock: FixedClock, step_coverage: Observer
) -> environments.Workspace:
    """A workspace on files in the test's temporary directory, with the fixed clock."""
    observers = (step_coverage,)
    return environments.Workspace(tmp_path / "data", clock=envchart_fixed_clock, observers=observers)


# The old names, which other plugins and projects use as well; a fixture of the project replaces them.


@pytest.fixture
def fixed_clock(request: pytest.FixtureRequest, envchart_fixed_clock: FixedClock) -> FixedClock:
    """The deprecated name of `envchart_fixed_clock`."""
    _warn(request, "fixed_clock")
    return envchart_fixed_clock


@pytest.fixture
def workspace(
    request: pytest.FixtureRequest, envchart_workspace: environments.Workspace
) -> environments.Workspace:
    """The deprecated name of `envchart_workspace`."""
    _warn(request, "workspace")
    return envchart_workspace


def _warn(request: pytest.FixtureRequest, name: str) -> None:
    message = f"the fixture {name} of envchart is called envchart_{name}; {name} goes with the next release"
    # Of the test, not of this line: the test is what has to be changed.
    request.node.warn(DeprecationWarning(message))
