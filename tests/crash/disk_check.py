"""Check the disk after a power cut."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from environments.model.environment import Environment
from environments.model.records import AmendedRecord
from environments.model.spec import EnvironmentSpec
from environments.model.summary import UnreadableSummary
from environments.storage.file import FileRepository
from environments.testing import ScriptedSpec
from statechart.errors import CorruptHistory
from statechart.holder import Holder
from statechart.storage.record import Record
from statechart.storage.repository import JsonFileRepository
from statechart.storage.segments.size import Segment
from tests.crash.disk_operations import Mark, State
from tests.crash.disk_promises import Promises, head_of, promised
from tests.crash.disk_states import Disk
from tests.crash.recorded import Recording

DATA = "srv/data"
"""Where the program keeps its things on the disk that is modelled."""


class Counter(BaseModel, frozen=True, extra="forbid"):
    """The smallest of models."""

    count: int = 0
    steps: int = 0


def stepped(counter: Counter, _record: Record) -> Counter:
    """Return the counter with one more step."""
    return counter.model_copy(update={"steps": counter.steps + 1})


class Kept(Protocol):
    """A storage under check."""

    def __init__(self, place: Path) -> None:
        """Use the data on a disk."""
        ...

    def create(self, name: str) -> None:
        """Create a value."""
        ...

    def load(self, name: str) -> str:
        """Return the recorded value, as JSON."""
        ...

    def change(self, name: str) -> tuple[str, str]:
        """Change the value; return the values before and after."""
        ...

    def candidates(self, name: str) -> int:
        """Return the number of candidates for a rebase of a damaged history."""
        ...

    def listed(self) -> dict[str, str]:
        """Return the names, each with the error of its listing or an empty string."""
        ...


class Counters:
    """Counters in the engine's storage."""

    def __init__(self, place: Path) -> None:
        self.store = JsonFileRepository(place / DATA, Counter, fold=stepped)

    def create(self, name: str) -> None:
        """Create a counter."""
        self.store.create(name, Counter())

    def load(self, name: str) -> str:
        """Return a counter."""
        return self.store.load(name).value.model_dump_json()

    def change(self, name: str) -> tuple[str, str]:
        """Increment a counter."""
        with self.store.open(name) as session:
            found = session.value
            session.append("step", {})
            session.commit("counted", Counter(count=found.count + 1), expected=session.head.revision)
            return found.model_dump_json(), session.value.model_dump_json()

    def candidates(self, name: str) -> int:
        """Return the number of candidates for a rebase."""
        return len(self.store.survey(name).candidates)

    def listed(self) -> dict[str, str]:
        """Return the names."""
        documents = self.store.documents()
        return {name: "" if isinstance(said, bytes) else str(said) for name, said, _ in documents}


class Segmented(Counters):
    """Counters in short segments, which are all read."""

    def __init__(self, place: Path) -> None:
        self.store = JsonFileRepository(place / DATA, Counter, fold=stepped, segment=Segment(records=3))

    def load(self, name: str) -> str:
        """Return a counter, and require its whole history."""
        seqs = [record.seq for record in self.store.records(name)]
        assert seqs == list(range(1, len(seqs) + 1))
        return super().load(name)


class Environments:
    """Environments in files."""

    def __init__(self, place: Path) -> None:
        self.repository = FileRepository(place / DATA)

    def create(self, name: str) -> None:
        """Create an environment."""
        spec = EnvironmentSpec(name=name, provider=ScriptedSpec())
        self.repository.create(Environment.new(spec, datetime.now(UTC)))

    def load(self, name: str) -> str:
        """Return an environment."""
        return self.repository.load(name).model_dump_json()

    def change(self, name: str) -> tuple[str, str]:
        """Amend an environment."""
        with self.repository.open(name, Holder.current("check")) as session:
            found = session.environment
            amended = found.with_spec(
                found.spec.model_copy(update={"description": "new"}), at=found.updated_at
            )
            session.commit(AmendedRecord(fields=("description",), environment=amended))
            return found.model_dump_json(), session.environment.model_dump_json()

    def candidates(self, name: str) -> int:
        """Return the number of candidates for a rebase."""
        return len(self.repository.survey(name).candidates)

    def listed(self) -> dict[str, str]:
        """Return the names."""
        return {
            each.name: str(each.error) if isinstance(each, UnreadableSummary) else ""
            for each in self.repository.summaries()
        }


@dataclass(slots=True)
class Outcome:
    """The heads that were found, by name, and the errors that no promise excuses."""

    heads: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    looked: bool = True


@dataclass(slots=True)
class Figures:
    """The number of checked states, and the errors."""

    operations: int = 0
    states: int = 0
    distinct: int = 0
    wrong: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)

    def add(self, other: Figures) -> None:
        """Add the figures of another check."""
        self.operations += other.operations
        self.states += other.states
        self.distinct += other.distinct
        self.wrong += other.wrong
        self.unlisted += other.unlisted

    def __str__(self) -> str:
        return (
            f"{self.operations} operations, {self.states} states, {self.distinct} distinct ones looked at"
        )


def check(
    recording: Recording, kept: type[Kept], place: Path, *, limit: int, stride: int = 1, enough: int = 3
) -> Figures:
    """Cut the power at every point of a recording; stop after `enough` errors.

    A stride of n checks each n-th state only: the short form of a long check.
    """
    outcomes: dict[State, Outcome] = {}
    figures = Figures(sum(not isinstance(each, Mark) for each in recording.operations))

    def seen(state: State) -> Outcome:
        if state not in outcomes:
            wanted = len(outcomes) % stride == 0
            outcomes[state] = (
                look(state, kept, place, recording.values) if wanted else Outcome(looked=False)
            )
            figures.unlisted += outcomes[state].unlisted
        return outcomes[state]

    there: Promises = {name: frozenset([head]) for name, head in seen(recording.base.state()).heads.items()}
    for point, promises, states in crashes(recording, there, limit):
        for state in states:
            figures.states += 1
            outcome = seen(state)
            problems = (*outcome.wrong, *broken(promises, outcome))
            figures.wrong += [f"after {point}: {problem}, with {told(state)}" for problem in problems]
        if len(figures.wrong) >= enough:
            break
    figures.distinct = sum(outcome.looked for outcome in outcomes.values())
    return figures


def crashes(
    recording: Recording, promises: Promises, limit: int
) -> Iterator[tuple[str, Promises, Iterator[State]]]:
    """Yield each point of a recording, with the promises then and the possible states of the disk."""
    disk = Disk(recording.base.copy(), limit)
    yield "nothing", promises, disk.states()
    for number, operation in enumerate(recording.operations):
        if isinstance(operation, Mark):
            promises = promised(promises, operation)
        else:
            disk.do(operation)
        yield f"operation {number} ({type(operation).__name__})", promises, disk.states()


def all_states(recording: Recording, limit: int) -> list[State]:
    """Return all possible states of a recording after a power cut at any point."""
    return sorted({state for _, _, states in crashes(recording, {}, limit) for state in states}, key=str)


def broken(promises: Promises, outcome: Outcome) -> Iterator[str]:
    """Yield the promises that an outcome breaks."""
    names = promises.keys() | outcome.heads.keys() if outcome.looked else ()
    for name in sorted(names):
        found = outcome.heads.get(name)
        if found not in promises.get(name, frozenset([None])):
            yield f"{name} is {found or 'not there'}"


def told(state: State) -> str:
    """Return a state as a line of text."""
    return " ".join(
        path if content is None else f"{path}={len(content)}:{content[-12:]!r}" for path, content in state
    )


def look(state: State, kept: type[Kept], place: Path, values: Mapping[str, str]) -> Outcome:
    """Write a state to a real disk, and return the storage's reading of it."""
    materialise(state, place)
    outcome = Outcome()
    subject = kept(place)
    try:
        listed = subject.listed()
        for name in listed:
            outcome.heads[name] = _look_at(name, subject, place, values, outcome)
        for name in {"first", "other"} - listed.keys():
            subject.create(name)
    except Exception as error:  # whatever it is: there must be none
        outcome.wrong.append(f"{type(error).__name__}: {error}")
    else:
        sound = {name: why for name, why in listed.items() if outcome.heads[name] in values}
        outcome.unlisted += [f"{name} can't be listed: {why}" for name, why in sound.items() if why]
    return outcome


def _look_at(name: str, subject: Kept, place: Path, values: Mapping[str, str], outcome: Outcome) -> str:
    """Read and change a name; return its head."""
    try:
        value = subject.load(name)
    except CorruptHistory as error:
        return f"unreadable ({error}); {subject.candidates(name)} candidates"
    head = head_of((place / DATA / name / "history.jsonl").read_bytes())
    outcome.wrong += unkept(place / DATA / name)
    if values.get(head, value) != value:
        outcome.wrong.append(f"{name} is {value}, and was {values[head]}")
    found, changed = subject.change(name)
    if found != value:
        outcome.wrong.append(f"{name} was {value} to a reader, and {found} to a writer")
    if subject.load(name) != changed:
        outcome.wrong.append(f"{name} is not {changed}, which it was changed to")
    return head


def unkept(directory: Path) -> list[str]:
    """Return the missing files of a damaged history from which a new history was begun."""
    said = json.loads((directory / "history.jsonl").read_bytes().splitlines()[0])["data"]
    if "damaged" not in said:
        return []
    kept = directory / said["damaged"]
    if kept.exists() and sha256(kept.read_bytes()).hexdigest() == said["damaged_sha256"]:
        return []
    return [f"{kept.name} was not kept"]


@contextmanager
def memory_below(place: Path) -> Iterator[Path]:
    """Yield a directory in memory, if available: the disk is a model."""
    if not os.access("/dev/shm", os.W_OK):
        yield place
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="envchart-disk-") as directory:
        yield Path(directory)


def materialise(state: State, place: Path) -> None:
    """Write a state to an empty directory on a real disk."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    for path, content in state:
        if content is None:
            (place / path).mkdir(mode=0o700)
        else:
            descriptor = os.open(place / path, os.O_WRONLY | os.O_CREAT, 0o600)
            os.write(descriptor, content)
            os.close(descriptor)
