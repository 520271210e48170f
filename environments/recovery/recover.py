"""Recovery: a command that died in the middle is settled: what it did is found out and put on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from environments.errors import StepInDoubt
from environments.execution.progress import Noticed, notify
from environments.execution.runner import Runner
from environments.execution.stop import StopRequest
from environments.model.operation import Operation
from environments.model.records import AnyRecord, fold
from environments.recovery.dry_run import DryRunSession
from environments.recovery.settle import Decide, Settlement, undecided
from environments.system.processes import Program
from environments.system.survivors import end_survivors, survivors
from statechart.errors import Locked

if TYPE_CHECKING:
    from environments.execution.progress import Observer
    from environments.execution.runtime import Runtime
    from environments.model.environment import AnyEnvironment
    from environments.ports import Session


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a recovery found and did.

    Attributes:
        environment: As it is on record now; in a dry run, as it would be.
        findings: What was found and done, in order, in words.
        settled: Whether there was anything to settle.
        undecided: The doubt that a dry run could not look behind, or None.
    """

    environment: AnyEnvironment
    findings: tuple[str, ...] = ()
    settled: bool = False
    undecided: StepInDoubt | None = None


@dataclass(slots=True)
class Recovery:
    """Settles interrupted operations of one environment.

    It can be ended at any point and run again: each thing that it finds out is on record before
    the next.

    Attributes:
        decide: Asked about what can't be found out; without it StepInDoubt is raised.
    """

    runtime: Runtime
    decide: Decide = undecided

    async def run(self, name: str, *, dry_run: bool = False) -> Recovered:
        """Settle what was interrupted, and return the environment in a state that is true.

        A dry run looks, and changes nothing: what it returns is what would be.

        Raises:
            StepInDoubt: Whether a step was done can't be found out, and nobody decided.
            StepFailed: A tool that outlived its command can't be ended.
            StorageError: It is not there, is locked by a command that lives, or damaged.
        """
        if dry_run:
            return await self._rehearse(name)
        async with self.runtime.open(name, "recover", settled=False) as held:
            report = _Report(name, self.runtime.observers, [])
            for note in held.session.notes:
                report.say(note)
            settled = await self._settle(held.session, report)
            return Recovered(held.environment, tuple(report.said), settled)

    async def _rehearse(self, name: str) -> Recovered:
        repository = self.runtime.repository
        holder = repository.holder(name)
        if holder is not None:
            raise Locked(name, holder)
        session = DryRunSession(repository.load(name))
        report = _Report(name, (), [])
        try:
            settled = await self._settle(session, report, dry_run=True)
        except StepInDoubt as doubt:
            return Recovered(session.environment, tuple(report.said), settled=True, undecided=doubt)
        return Recovered(session.environment, tuple(report.said), settled)

    async def _settle(self, session: Session, report: _Report, *, dry_run: bool = False) -> bool:
        """Settle one operation after the other: what a destroy had interrupted may come to light again."""
        settled = False
        while (operation := session.environment.operation) is not None and operation.is_active:
            settled = True
            holder = operation.holder
            if holder.is_alive() is not False:
                who = f"pid {holder.pid} of {holder.user}@{holder.host}"
                report.say(f"the process of {operation.command} ({who}) {holder.fate()}")
            await self._end_survivors(operation, report, dry_run=dry_run)
            environment = session.environment
            quiet = replace(self.runtime, observers=(), stop=StopRequest())
            runner = Runner(quiet, session, operation.command)
            steps = self.runtime.provider_of(environment).steps(operation.command, environment)
            before = partial(self._before, environment.name, operation)
            await Settlement(runner, operation, steps, report.say, self.decide, before).run()
        return settled

    async def _end_survivors(self, operation: Operation, report: _Report, *, dry_run: bool) -> None:
        if dry_run:
            for left in survivors(operation):
                report.say(f"{Program.of(left).describe()} still runs, and would be ended")
            return
        for ended in await end_survivors(operation):
            report.say(f"{ended} still ran, and was ended")

    def _before(self, name: str, operation: Operation) -> Operation | None:
        """Return the operation that was on record before another one was opened."""
        earlier: Operation | None = None
        records: list[AnyRecord] = []
        for entry in self.runtime.repository.history(name):
            opened = getattr(entry.record, "environment", None)
            if opened is not None and opened.operation is not None and opened.operation.id == operation.id:
                break
            records.append(entry.record)
        if records:
            earlier = fold(records).operation
        return earlier


@dataclass(slots=True)
class _Report:
    """Says what is found and done, and keeps it."""

    name: str
    observers: Sequence[Observer]
    said: list[str]

    def say(self, message: str) -> None:
        self.said.append(message)
        notify(self.observers, Noticed(name=self.name, message=message))
