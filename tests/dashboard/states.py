"""Environments in many states, on disk: what pages and the API have to show."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.operation import Operation, StepInHand
from environments.model.records import StepRecord, TransitionRecord
from environments.model.spec import EnvironmentSpec
from environments.model.states import Provisioning
from environments.storage.file import FileRepository
from environments.testing import ScriptedSpec
from statechart.holder import Holder

RECORDED = Path(__file__).parents[1] / "formats" / "3" / "data"
"""Environments of earlier versions: failed, interrupted, torn down, and others."""

UNREADABLE = ("corrupt", "empty", "foreign", "half", "newer")


class ForeignSpec(ScriptedSpec):
    """A provider that the readers of the data directory do not have."""

    kind: Literal["foreign"] = "foreign"  # type: ignore[assignment]


def make_states(data: Path) -> list[str]:
    """Fill a data directory, and return the names of all environments."""
    shutil.copytree(RECORDED, data)
    data.chmod(0o700)
    log = data / "redeployed" / "local" / "service.log"
    log.parent.mkdir()
    log.write_bytes(b"first\n\x1b[31mred\x1b[0m\nhalf \xc3")
    at = datetime.now(UTC)
    own = FileRepository(data, providers=[ForeignSpec])
    own.create(Environment.new(EnvironmentSpec(name="foreign", provider=ForeignSpec()), at))
    for name in ("corrupt", "empty", "newer", "working"):
        spec = EnvironmentSpec(name=name, provider=ScriptedSpec(), labels={"team": "web", "stage": "test"})
        own.create(Environment.new(spec, at))
    edit(data / "corrupt" / "history.jsonl", '"created"', '"destroyed"')
    edit(data / "newer" / "state.json", '"schema_version": 3', '"schema_version": 9')
    (data / "empty" / "history.jsonl").write_text("")
    (data / "half").mkdir(mode=0o700)
    (data / "half" / "state.json").write_text('{"name": "hal')
    return sorted(path.name for path in data.iterdir() if not path.name.startswith("."))


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text in a file, as by hand."""
    text = path.read_text()
    assert old in text, text[:500]
    path.write_text(text.replace(old, new))


@contextmanager
def at_work(data: Path, name: str = "working") -> Iterator[None]:
    """Have this process work on an environment: in the middle of its provision."""
    at, holder = datetime.now(UTC), Holder.current(f"envchart provision {name}")
    with FileRepository(data).open(name, holder) as session:
        operation = Operation(id="op", command=CommandName.PROVISION, started_at=at, holder=holder)
        entered = session.environment.entering(Provisioning(), at=at, operation=operation)
        session.commit(
            TransitionRecord(
                event="provision", from_state="created", to_state="provisioning", environment=entered
            )
        )
        step = StepInHand(name="first_provision", number=1, of=2, started_at=at)
        session.append_step(StepRecord(phase="intent", step=step.name, intent=step))
        yield
