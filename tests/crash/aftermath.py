"""Check the state after a crash or a fault, and whether work can continue."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environments.checks.verify import verify
from environments.errors import NothingToRetry, OperationInterrupted
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.records import StepRecord
from environments.model.states import EnvironmentState
from environments.model.summary import UnreadableSummary
from environments.workspace import Workspace
from statechart.errors import AlreadyExists, InvalidTransition, NotFound
from tests.crash.scenes import EXPECTED, NAME, carry_out, files, spec, told

GOALS = {
    "provision": "provisioned",
    "configure": "configured",
    "release": "released",
    "run": "running",
    "up": "running",
    "retry": "provisioned",
    "stop": "released",
    "destroy": "destroyed",
}
"""Where a command leads that says that it is done, or that there is nothing left to do."""

DONE_ALREADY = (InvalidTransition, NothingToRetry, AlreadyExists, NotFound)
NEEDS: dict[str, set[str]] = {
    "provisioned": {"network", "host"},
    "configured": {"network", "host", "settings"},
    "released": {"network", "host", "settings", "bundle"},
    "running": {"network", "host", "settings", "bundle", "service"},
}
"""What has to be in the world for a state to be true."""


@dataclass(slots=True)
class Aftermath:
    """What is left of a command in a place.

    Attributes:
        command: The command that was killed, or met a fault.
        place: Where.
        said: What its process told before its end: the records that were acknowledged, how it ended.
        full: The history that the undisturbed command leaves, in words; None if it may be another.
        before: How many records there were before it.
        wrong: What is not as it should be.
        way: How the same command went on.
    """

    command: str
    place: Path
    said: list[str]
    full: list[str] | None = None
    before: int = 0
    wrong: list[str] = field(default_factory=list)
    way: str = ""

    def look(self) -> None:
        """Read the remains; then, if the environment exists, recover, continue and take everything down."""
        state = _content(self.place)
        found = self._read()
        if _content(self.place) != state:
            self.wrong.append("reading changed what is on disk")
        self._compare(found)
        if not self.wrong:
            asyncio.run(self._come_back(gone=not found))

    @property
    def _workspace(self) -> Workspace:
        return Workspace(self.place / "data")

    @property
    def _broken(self) -> Path:
        return self.place / "world" / "broken"

    @property
    def _ended(self) -> bool:
        return "command" in self.said

    def _read(self) -> list[str]:
        unreadable = [each for each in self._workspace.summaries() if isinstance(each, UnreadableSummary)]
        self.wrong += [f"it can't be listed: {each.error}" for each in unreadable]
        try:
            return told(self._workspace.history(NAME))
        except NotFound:
            return []

    def _compare(self, found: list[str]) -> None:
        """Compare the history with the acknowledged records and with all records that were ever issued."""
        acknowledged = max((int(word[4:]) for word in self.said if word.startswith("seq ")), default=0)
        if not found:
            if self.command != "purge" and (self.command != "create" or self._ended):
                self.wrong.append("it is not there any more")
            return
        refused = max((int(word[8:]) for word in self.said if word.startswith("refused ")), default=0)
        if acknowledged < refused <= len(found):
            self.wrong.append(
                f"it said that record {refused} is not saved, and it is: {found[refused - 1]}"
            )
        if self.command == "purge" and self._ended:
            self.wrong.append("it was purged, and is there again")
        if len(found) < max(acknowledged, self.before):
            self.wrong.append(f"acknowledged up to {acknowledged} over {self.before}, found {len(found)}")
        if self.full is not None and found != self.full[: len(found)]:
            self.wrong.append(
                f"found {found[-3:]} where {self.full[len(found) - 3 : len(found) + 1]} belongs"
            )
        self._compare_outcome(self._workspace.load(NAME))

    def _compare_outcome(self, environment: AnyEnvironment) -> None:
        """Compare the process's last message with the history."""
        state, goal = environment.state.name, GOALS.get(self.command)
        if self._ended and goal not in (None, state):
            self.wrong.append(f"it said that it was done, and the state is {state}")
        under_way = environment.operation is not None and environment.operation.is_active
        outcome = next((json.loads(word[8:])[0] for word in self.said if word.startswith("outcome ")), "")
        failed = (
            outcome.startswith("expected CommandFailed") and "; this could not be recorded" not in outcome
        )
        if failed and under_way:
            self.wrong.append("it did not say that its failure is not on record")

    async def _come_back(self, *, gone: bool) -> None:
        workspace = self._workspace
        if gone:
            workspace.create(spec(self.place))
        self.wrong += [
            f"record {finding.seq}: {finding.what}"
            for finding in verify(workspace._repository, NAME).findings
        ]
        self._see_intents()
        await self._go_on(gone=gone)
        if self.wrong or not workspace.exists(NAME):
            return
        destroyed = workspace.load(NAME)
        if destroyed.state.name is not EnvironmentState.DESTROYED:
            destroyed = await workspace.destroy(NAME)
        if files(self.place) or destroyed.operation is not None:
            self.wrong.append(f"destroyed, and there is {files(self.place)}")
        await workspace.purge(NAME)

    def _see_intents(self) -> None:
        history = self._workspace.history(NAME)
        begun = {entry.record.step for entry in history if isinstance(entry.record, StepRecord)}
        self.wrong += [f"{name} is there without an intent" for name in sorted(files(self.place) - begun)]

    async def _go_on(self, *, gone: bool) -> None:
        """Repeat the command, after a recovery if required; then bring the environment all the way up."""
        if gone:
            self.way = "begun anew"
        else:
            if self.command == "fail":
                self._mend_the_world()
            await self._same_again()
        if self.wrong or not self._workspace.exists(NAME):
            return
        environment = self._workspace.load(NAME)
        self._see_truth(environment)
        self._mend_the_world()
        if not environment.teardown_begun and environment.state.name is not EnvironmentState.DESTROYED:
            self._see_truth(await self._workspace.bring(NAME))

    def _mend_the_world(self) -> None:
        self._broken.unlink(missing_ok=True)

    async def _same_again(self) -> None:
        try:
            await self._repeat()
        except OperationInterrupted:
            await self._recover()
            if not self._workspace.load(NAME).teardown_begun:
                await self._repeat()
            self.way = "recovered"

    async def _repeat(self) -> None:
        """Repeat the command. A refusal is right only if the command's work is done."""
        self.way = "went on"
        try:
            await carry_out(self.command, self.place)
        except OperationInterrupted:
            raise
        except DONE_ALREADY as refused:
            self.way = "was done"
            gone = not self._workspace.exists(NAME)
            state = None if gone else self._workspace.load(NAME).state.name
            if not gone and self.command in GOALS and state not in (GOALS[self.command], "destroyed"):
                self.wrong.append(f"the same command was refused in {state}: {refused}")
        except EXPECTED as error:
            self.wrong.append(f"the same command again: {type(error).__name__}: {error}")

    async def _recover(self) -> None:
        workspace = self._workspace
        await workspace.recover(NAME)
        recovered = workspace.load(NAME)
        self._see_truth(recovered)
        if recovered.operation is not None and recovered.operation.is_active:
            self.wrong.append("it was recovered, and something is still under way")
        if (await workspace.recover(NAME)).settled:
            self.wrong.append("there was something to recover twice")

    def _see_truth(self, environment: AnyEnvironment) -> None:
        """Compare a state, and the results behind it, with the world."""
        state, there = environment.state.name, files(self.place)
        if state is EnvironmentState.DESTROYED and there:
            self.wrong.append(f"destroyed, with {there}")
        if environment.teardown_begun or (state == "running" and environment.is_error):
            return  # partly torn down, or partly stopped: the condition says so
        if not NEEDS.get(state, set()) <= there:
            self.wrong.append(f"{state}, with {there}")
        if state == "running" and self._broken.exists():
            self.wrong.append("running, in a world that is broken")
        stopped = state == "released" and CommandName.RUN not in environment.applied
        if stopped and environment.operation is None and "service" in there:
            self.wrong.append("stopped, and the service runs")
        done = environment.operation.steps_done if environment.operation else ()
        lost = {
            step.name for step in done if step.has_effect and not step.name.startswith("remove_")
        } - there
        self.wrong += [f"{name} has a result, and is not there" for name in sorted(lost)]


def _content(place: Path) -> dict[str, Any]:
    """Return the bytes of all files below a directory."""
    paths = [path for path in place.rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in paths}
