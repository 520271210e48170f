"""The pytest plugin of environments: a workspace to play in. It imports only pytest until it is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from environments.testing import FixedClock, ScriptedProvider
    from environments.workspace import Workspace


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Count how steps end, where chart coverage is asked for."""
    counting = config.pluginmanager.get_plugin("statechart-coverage")
    if counting is None:
        return
    from environments.execution.progress import watchers
    from environments.testing.step_coverage import StepWatcher

    watcher = StepWatcher(counting.coverage.step)
    watchers.append(watcher)
    config.add_cleanup(lambda: watchers.remove(watcher))


@pytest.fixture
def fixed_clock() -> FixedClock:
    """A clock that stands still until the test moves it; sleeping moves it, and takes no time."""
    from environments.testing import FixedClock

    return FixedClock()


@pytest.fixture
def scripted_provider() -> Iterator[ScriptedProvider]:
    """The provider of each environment whose spec is a `ScriptedSpec`: its steps do what the test says."""
    from environments.testing import ScriptedProvider

    with ScriptedProvider().installed() as provider:
        yield provider


@pytest.fixture
def workspace(tmp_path: Path, fixed_clock: FixedClock) -> Workspace:
    """A workspace on files, in the test's temporary directory, with the fixed clock."""
    from environments.workspace import Workspace

    return Workspace(tmp_path / "data", clock=fixed_clock)
