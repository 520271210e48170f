"""Each command that is named after `next:` works in the situation that names it, and leads on."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.failure import Failure, FailureCause
from environments.model.observation import Observation, ServiceState
from environments.model.operation import Operation, OperationStatus, StepInHand
from environments.model.records import OperationRecord, StepRecord, TransitionRecord
from environments.model.spec import EnvironmentSpec
from environments.model.states import EnvironmentState, enter
from environments.storage.file import FileRepository
from environments.testing import FixedClock, ScriptedProvider, ScriptedSpec
from statechart.holder import Holder
from tests.conftest import dead_holder

CLOCK = FixedClock()
HELLO = Path(__file__).parents[2] / "examples" / "hello"
LONGEST = 12
"""The most commands that may lie between a situation and its end."""

# The commands whose steps may be under way in a state, or have failed there.
UNDER_WAY = {
    "created": ("register",),
    "provisioning": ("provision",),
    "configuring": ("configure",),
    "releasing": ("release",),
    "released": ("run",),
    "running": ("run", "stop"),
    "run_failed": ("run", "stop"),
}
FAILED = {
    "created": ("register",),
    "provision_failed": ("provision",),
    "configure_failed": ("configure",),
    "release_failed": ("release",),
    "running": ("stop",),
    "run_failed": ("run", "stop"),
}


@dataclass(frozen=True)
class Attempt:
    """The operation of a situation.

    Attributes:
        command: Its command.
        status: Whether it failed, was found interrupted, or is open.
        step: Whether a step with an effect is in hand.
        held: Whether a living process works on it.
    """

    command: str
    status: OperationStatus
    step: bool = False
    held: bool = False

    def __str__(self) -> str:
        return f"{self.command} {self.status}{' in a step' * self.step}{', held' * self.held}"


def attempts(state: str) -> Iterator[Attempt | None]:
    """Yield the operations that an environment can have in a state."""
    if not state.endswith("ing") or state == "running":
        yield None
    for command in FAILED.get(state, ()):
        yield Attempt(command, OperationStatus.FAILED)
        if state != "created":
            yield Attempt(command, OperationStatus.INTERRUPTED)
    for command in (*UNDER_WAY.get(state, ()), *(("destroy",) if state != "destroyed" else ())):
        for step in (False, True):
            yield Attempt(command, OperationStatus.ACTIVE, step=step)
        yield Attempt(command, OperationStatus.ACTIVE, step=True, held=True)
    if state != "destroyed" and not state.endswith(("provisioning", "configuring", "releasing")):
        yield Attempt("destroy", OperationStatus.FAILED)
        yield Attempt("destroy", OperationStatus.FAILED, step=True)


SITUATIONS = [(state.value, attempt) for state in EnvironmentState for attempt in attempts(state)]


def _torn(place: Path) -> None:
    journal = place / "history.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"seq":')


def _edited(path: Path) -> None:
    text = path.read_text()
    assert "2026-01-01" in text
    path.write_text(text.replace("2026-01-01", "2025-01-01", 1))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a torn end": _torn,
    "no document": lambda place: (place / "state.json").unlink(),
    "a document edited by hand": lambda place: _edited(place / "state.json"),
    "a document that is no JSON": lambda place: (place / "state.json").write_text("{"),
    "a journal edited by hand": lambda place: _edited(place / "history.jsonl"),
    "no journal": lambda place: (place / "history.jsonl").unlink(),
    "an empty journal": lambda place: (place / "history.jsonl").write_text(""),
    "a journal without its last line": lambda place: (place / "history.jsonl").write_bytes(
        b"".join((place / "history.jsonl").read_bytes().splitlines(keepends=True)[:-1])
    ),
    "a lock that holds nonsense": lambda place: (
        (place.parent / ".locks" / "demo.lock").write_text("nonsense"),
        None,
    ),
}
DAMAGED = [
    (state, attempt)
    for state, attempt in SITUATIONS
    if state in ("configuring", "run_failed", "running", "destroyed")
    and (attempt is None or (attempt.command != "destroy" and not attempt.held))
]


def record(data: Path, state: str, attempt: Attempt | None) -> None:
    """Put demo on record in a situation."""
    repository = FileRepository(data)
    created = repository.create(
        Environment.new(EnvironmentSpec(name="demo", provider=ScriptedSpec()), CLOCK.now())
    )
    entered = EnvironmentState(state)
    failure = _failure(state.removesuffix("_failed")) if entered.is_error else None
    with repository.open("demo", Holder.current("situation")) as session:
        if state != "created":
            there = created.entering(enter(entered, failure), at=CLOCK.now())
            session.commit(
                TransitionRecord(event="placed", from_state="created", to_state=state, environment=there)
            )
        if attempt is not None:
            _attempt(session, attempt)


def _attempt(session: Any, attempt: Attempt) -> None:
    command = CommandName(attempt.command)
    opened = Operation(
        id="an-operation",
        command=command,
        started_at=CLOCK.now(),
        holder=dead_holder(f"envchart {command} demo"),
        effects_begun=attempt.step,
    )
    session.commit(
        OperationRecord(
            change="opened", environment=session.environment.with_operation(opened, at=CLOCK.now())
        )
    )
    if attempt.status is not OperationStatus.ACTIVE:
        ended = opened.model_copy(update={"status": attempt.status, "failure": _failure(attempt.command)})
        closed = session.environment.with_operation(ended, at=CLOCK.now())
        session.commit(OperationRecord(change="closed", environment=closed))
    elif attempt.step:
        hand = StepInHand(name=f"first_{command}", number=1, of=2, started_at=CLOCK.now(), has_effect=True)
        session.append_step(StepRecord(phase="intent", step=hand.name, intent=hand))


def _failure(command: str) -> Failure:
    return Failure(
        command=CommandName(command),
        step=f"first_{command}",
        cause=FailureCause.NETWORK,
        summary="no route to host",
        started_at=CLOCK.now(),
        failed_at=CLOCK.now(),
        duration=CLOCK.now() - CLOCK.now(),
        trace_id="earlier",
    )


def named(ran: Any) -> list[list[str]]:
    """Return the commands that an output names, the best first, as a person would type them."""
    said = [*ran.out.splitlines(), *ran.err.splitlines()]
    lines = [found[1] for line in said if (found := re.match(r"\s*(?:next|or|then)[^:]*: (.*)", line))]
    return [typed(line) for line in lines if "envchart " in line]


def typed(line: str) -> list[str]:
    """Return the words of a command; a person fills in what only a person knows, and confirms."""
    known = {"WHY": "I looked", "DIR": str(HELLO), "FILE": "env.yaml", "OTHER": "another"}
    words = [known.get(word, word) for word in shlex.split(line.partition("envchart ")[2])]
    confirmed = {"destroy", "purge", "unlock"} & {words[0]} or "--rebase" in words
    return [*words, "--yes"] if confirmed and "--yes" not in words else words


class Crawler:
    """Follows what the command line says comes next."""

    def __init__(self, cli: Any, data: Path) -> None:
        self.cli = cli
        self.data = data

    def condition(self) -> tuple[bytes, ...]:
        """Return all that is on record."""
        files = sorted(path for path in self.data.rglob("*") if path.is_file() and path.suffix != ".lock")
        return tuple(chain.from_iterable((bytes(path), path.read_bytes()) for path in files))

    def arrived(self) -> bool:
        """Return whether demo is sound and running or destroyed, or its name is free."""
        ran = self.cli("show", "demo", "--json")
        if ran.code == 3:
            return True
        document = json.loads(ran.out)
        ended = document.get("state") in ("running", "destroyed") and not document["is_error"]
        return ended and self.cli("history", "demo").code == 0

    def follow(self) -> list[str]:
        """Follow the first command that is named until the end; return the commands."""
        done: list[str] = []
        seen: set[tuple[str, tuple[bytes, ...]]] = set()
        ran = self.cli("show", "demo")
        while not self.arrived():
            commands = named(ran)
            assert commands, f"after {done}, no command is named:\n{ran.out}{ran.err}"
            best = shlex.join(commands[0])
            assert (best, self.condition()) not in seen, f"a loop: {done} and {best}:\n{ran.out}{ran.err}"
            seen.add((best, self.condition()))
            done.append(best)
            ran = self.cli(*commands[0])
            self.check(best, ran)
            assert len(done) < LONGEST, f"no end: {done}"
        return done

    def check(self, command: str, ran: Any) -> None:
        """Check that a command that was named was not refused."""
        doubt = ran.code == 2 and "check whether the step is done" in ran.err
        assert ran.code not in (1, 2, 3, 4, 5) or doubt, f"{command}: {ran.code}\n{ran.out}{ran.err}"


@pytest.fixture
def crawler(cli: Any, data: Path, scripted_provider: ScriptedProvider) -> Crawler:
    # The states are only recorded, and no effect has made a world for them.
    scripted_provider.observed = Observation(resources=True, service=ServiceState.DOWN)
    return Crawler(cli, data)


def name_of(value: object) -> str:
    return str(value).replace("OperationStatus.", "")


@pytest.mark.parametrize(("state", "attempt"), SITUATIONS, ids=name_of)
def test_the_first_command_that_is_named_leads_on(
    crawler: Crawler, data: Path, state: str, attempt: Attempt | None
) -> None:
    record(data, state, attempt)
    with ExitStack() as holding:
        if attempt is not None and attempt.held:
            session = holding.enter_context(
                FileRepository(data).open("demo", Holder.current("envchart up"))
            )
            assert session.environment.operation is not None
            ran = crawler.cli("show", "demo")
            for command in named(ran):
                assert command != ["show", "demo"], "it names itself"
                if command[0] != "unlock":
                    crawler.check(shlex.join(command), crawler.cli(*command))
    crawler.follow()


@pytest.mark.parametrize(("state", "attempt"), DAMAGED, ids=name_of)
@pytest.mark.parametrize("damage", DAMAGES)
def test_the_first_command_that_is_named_leads_on_from_damage(
    crawler: Crawler, data: Path, state: str, attempt: Attempt | None, damage: str
) -> None:
    record(data, state, attempt)
    DAMAGES[damage](data / "demo")

    crawler.follow()


@pytest.mark.parametrize(("state", "attempt"), SITUATIONS, ids=name_of)
def test_each_command_that_is_named_is_allowed(
    crawler: Crawler, data: Path, tmp_path: Path, state: str, attempt: Attempt | None
) -> None:
    if attempt is not None and attempt.held:
        return
    record(data, state, attempt)
    shutil.copytree(data, tmp_path / "as it was")
    commands = {
        shlex.join(words): words
        for ran in (crawler.cli("show", "demo"), crawler.cli("why", "demo"))
        for words in named(ran)
    }
    assert commands
    for line, words in commands.items():
        shutil.rmtree(data)
        shutil.copytree(tmp_path / "as it was", data)

        crawler.check(line, crawler.cli(*words))
