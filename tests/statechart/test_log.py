from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from loguru import logger
logger.remove()
logger.add(sys.stdout, format="{message}", level="INFO")
BEFORE
from statechart import Chart, Event, State
AFTER
class Door(Chart):
    open = State(initial=True)
    shut = State(final=True)
    close = Event(open.to(shut))
Door().fire(Door.close)
"""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("", "", ""),
        ("logger.enable('statechart')", "", "State transition\n"),
        ("", "import statechart.engine.hooks; logger.enable('statechart')", "State transition\n"),
        ("logger.enable('elsewhere')", "", ""),
    ],
)
def test_a_package_is_silent_until_it_is_enabled_before_or_after_it_is_loaded(
    before: str, after: str, said: str
) -> None:
    program = PROGRAM.replace("BEFORE", before).replace("AFTER", after)

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ended.stdout == said
