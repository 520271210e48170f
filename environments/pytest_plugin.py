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
def fixed_clock() -> FixedClock:
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
def workspace(tmp_path: Path, fixed_clock: FixedClock, step_coverage: Observer) -> environments.Workspace:
    """A workspace on files in the test's temporary directory, with the fixed clock."""
    return environments.Workspace(tmp_path / "data", clock=fixed_clock, observers=(step_coverage,))
