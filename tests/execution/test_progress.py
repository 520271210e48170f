from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import timedelta
from typing import get_args

import pytest
from loguru import logger

from environments.execution.progress import Progress, StepFinished, StepStarted, notify
from environments.model.command_name import CommandName

STARTED = StepStarted(name="demo", command=CommandName.PROVISION, step="one", number=1, of=2)


def broken(_progress: Progress) -> None:
    raise RuntimeError("a dashboard is down")


@pytest.mark.parametrize("kind", get_args(Progress))
def test_every_event_has_environment_and_command(kind: type[Progress]) -> None:
    assert [field.name for field in fields(kind)][:2] == ["name", "command"]


@pytest.mark.parametrize("kind", [kind for kind in get_args(Progress) if kind.__name__.startswith("Step")])
def test_every_event_of_a_step_has_its_number_and_the_total(kind: type[Progress]) -> None:
    assert [field.name for field in fields(kind)][2:5] == ["step", "number", "of"]


def test_an_observer_cannot_change_the_event() -> None:
    with pytest.raises(FrozenInstanceError):
        STARTED.step = "other"  # type: ignore[misc]


def test_a_finished_step_is_not_kept_by_default() -> None:
    done = StepFinished(
        name="demo", command=CommandName.RUN, step="one", number=1, of=1, duration=timedelta(seconds=1)
    )

    assert (done.kept, done.note, STARTED.attempt) == (False, None, 1)


def test_observers_are_called_in_the_given_order() -> None:
    told: list[tuple[str, Progress]] = []

    notify(
        [
            lambda progress: told.append(("a", progress)),
            broken,
            lambda progress: told.append(("b", progress)),
        ],
        STARTED,
    )

    assert told == [("a", STARTED), ("b", STARTED)]


def test_an_observer_that_raises_is_logged() -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, format="{level} {message}", level="WARNING")
    logger.enable("environments")

    notify([broken], STARTED)

    logger.disable("environments")
    logger.remove(sink)
    assert lines[0].startswith("WARNING An observer failed at StepStarted")
    assert "a dashboard is down" in lines[0]


def test_a_keyboard_interrupt_in_an_observer_is_raised() -> None:
    def interrupted(_progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        notify([interrupted], STARTED)
