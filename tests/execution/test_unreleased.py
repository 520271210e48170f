"""The source of an application is compared with the installed release."""

from __future__ import annotations

from pathlib import Path

import pytest

from environments import LocalProvider
from environments.execution.unreleased import unreleased
from environments.model.environment import AnyEnvironment, Environment
from environments.model.spec import EnvironmentSpec
from environments.model.states import Configured, Released, Running
from environments.providers.common.app_files import scan
from environments.testing import FixedClock, ScriptedProvider, ScriptedSpec


@pytest.fixture
def app(tmp_path: Path) -> Path:
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").write_text("raise SystemExit(1)\n")
    return app


@pytest.fixture
def environment(app: Path) -> AnyEnvironment:
    created = Environment.new(
        EnvironmentSpec(name="demo", provider=LocalProvider(app=app)), FixedClock().now()
    )
    outputs = created.outputs.updated({"release": scan(app, app.parent / "data").id})
    return created.entering(Released(), at=created.updated_at, outputs=outputs)


def compared(environment: AnyEnvironment, app: Path) -> str | None:
    return unreleased(environment, app.parent / "data" / "demo")


def test_a_source_that_is_as_released_is_not_mentioned(environment: AnyEnvironment, app: Path) -> None:
    assert compared(environment, app) is None


def test_a_source_that_was_changed_has_to_be_released_first(environment: AnyEnvironment, app: Path) -> None:
    (app / "app.py").write_text("print('mended')\n")
    release = environment.outputs.release

    assert compared(environment, app) == f"release {release} is not what is in {app} now: release first"
    serving = environment.entering(Running(), at=environment.updated_at, outputs=environment.outputs)
    assert compared(serving, app) == compared(environment, app)


def test_before_a_release_there_is_nothing_to_compare(environment: AnyEnvironment, app: Path) -> None:
    configured = environment.entering(Configured(), at=environment.updated_at, outputs=environment.outputs)
    (app / "app.py").write_text("print('mended')\n")

    assert compared(configured, app) is None


def test_a_release_that_was_chosen_is_not_compared_with_the_source(
    environment: AnyEnvironment, app: Path
) -> None:
    provider = LocalProvider(app=app, pinned_release="0" * 12)
    (app / "app.py").write_text("print('mended')\n")

    assert unreleased(environment, app.parent / "data" / "demo", provider) is None


@pytest.mark.parametrize("emptied", [True, False], ids=["empty", "gone"])
def test_a_source_that_can_not_be_read_is_not_compared(
    environment: AnyEnvironment, app: Path, emptied: bool
) -> None:
    (app / "app.py").unlink()
    if not emptied:
        app.rmdir()

    assert compared(environment, app) is None


def test_providers_without_a_source_are_not_compared(app: Path) -> None:
    created = Environment.new(EnvironmentSpec(name="demo", provider=ScriptedSpec()), FixedClock().now())
    outputs = created.outputs.updated({"release": "a"})
    released = created.entering(Released(), at=created.updated_at, outputs=outputs)

    assert unreleased(released, app, ScriptedProvider()) is None
