"""Recover an operation whose process died: probe its steps and record the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from environments.artifacts.bound import require_here
from environments.errors import StepInDoubt
from environments.execution.progress import Noticed, notify
from environments.execution.runner import Runner
from environments.execution.stop import StopRequest
from environments.model.operation import Operation
from environments.model.records import AnyRecord, StepRecord, fold, precedes
from environments.ports import latest_of
from environments.recovery.dry_run import DryRunSession
from environments.recovery.settle import Decide, Settlement, undecided
from environments.system.processes import Program
from environments.system.survivors import end_survivors, survivors
from statechart.errors import Locked

if TYPE_CHECKING:
    from environments.execution.progress import Observer
    from environments.execution.runtime import Runtime
    from environments.model.environment import AnyEnvironment
    from environments.model.steps import Step
    from environments.ports import Session


@dataclass(frozen=True, slots=True)
class Recovered:
    """The result of a recovery.

    Attributes:
        environment: The environment as recorded now, or as a dry run would leave it.
        findings: A message for each finding and each change, in order.
        settled: Whether an operation was interrupted.
        undecided: The doubt at which a dry run had to end, or None.
    """

    environment: AnyEnvironment
    findings: tuple[str, ...] = ()
    settled: bool = False
    undecided: StepInDoubt | None = None


@dataclass(slots=True)
class Recovery:
    """Settles the interrupted operations of an environment.

    A recovery can be interrupted at any point and run again: each finding is recorded before the
    next step is probed.

    Attributes:
        runtime: Where the environment is recorded, and who does the work.
        decide: Called for a step whose probe can't tell; by default, StepInDoubt is raised.
    """

    runtime: Runtime
    decide: Decide = undecided

    async def run(self, name: str, *, dry_run: bool = False) -> Recovered:
        """Settle an interrupted operation, and return the environment in a true state.

        A dry run changes nothing: it does not call probes that could, nor any while an old tool runs.

        Raises:
            StepInDoubt: A step's probe can't tell whether the step was done, nor does `decide`.
            StepFailed: A tool that outlived its command can't be ended.
            StorageError: The environment does not exist, is locked, or is damaged.
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
        """Settle interrupted operations one after the other; return whether there were any."""
        settled = False
        # Settling a destroy that had no effect brings back the operation that the destroy replaced.
        while (operation := session.environment.operation) is not None and operation.is_active:
            settled = True
            environment = session.environment
            require_here(self.runtime.repository, environment, self.runtime.provider_of(environment))
            holder = operation.holder
            # Recovery holds the lock, so the process is not at work; a live one is worth a note.
            if holder.is_alive() is not False:
                who = f"pid {holder.pid} of {holder.user}@{holder.host}"
                report.say(f"the process of {operation.command} ({who}) {holder.fate()}")
            # First: a tool that still works would change the world between two probes.
            left = await self._end_survivors(operation, report, dry_run=dry_run)
            environment = session.environment
            # The findings are reported; the progress of the probes is not.
            quiet = replace(self.runtime, observers=(), stop=StopRequest())
            runner = Runner(quiet, session, operation.command)
            steps = self.runtime.provider_of(environment).steps(operation.command, environment)
            settlement = Settlement(
                runner=runner,
                operation=operation,
                steps=steps,
                say=report.say,
                decide=self.decide,
                before=partial(self._before, environment.name, operation),
                failed=partial(self._failed, environment.name, operation),
                spared=partial(_spared, left=left) if dry_run else _probed,
            )
            await settlement.run()
        return settled

    async def _end_survivors(self, operation: Operation, report: _Report, *, dry_run: bool) -> bool:
        """End the tools that still work for an operation; return whether a dry run left any."""
        if dry_run:
            left = survivors(operation)
            for each in left:
                report.say(f"{Program.of(each).describe()} still runs, and would be ended")
            return bool(left)
        for ended in await end_survivors(operation):
            report.say(f"{ended} still ran, and was ended")
        return False

    def _before(self, name: str, operation: Operation) -> Operation | None:
        """Return the operation that was recorded before another was opened."""
        earlier: Operation | None = None
        records: list[AnyRecord] = []
        for entry in latest_of(self.runtime.repository, name, precedes(operation.id)):
            opened = getattr(entry.record, "environment", None)
            if opened is not None and opened.operation is not None and opened.operation.id == operation.id:
                break
            records.append(entry.record)
        if records:
            earlier = fold(records).operation
        return earlier

    def _failed(self, name: str, operation: Operation, step: str) -> str | None:
        """Return the recorded reason why a step of an operation failed, or None."""
        summary: str | None = None
        for entry in latest_of(self.runtime.repository, name, precedes(operation.id)):
            record = entry.record
            if (
                entry.operation_id == operation.id
                and isinstance(record, StepRecord)
                and record.step == step
            ):
                summary = record.summary if record.phase == "failure" else None
        return summary


def _probed(_step: Step) -> str | None:
    """Return None: a recovery may probe every step."""
    return None


def _spared(step: Step, *, left: bool) -> str | None:
    """Return why a dry run does not probe a step, or None."""
    if left:
        return "recover ends the program that still runs before it looks"
    if step.probe_has_effects:
        return "recover looks, and a dry run does not: the probe runs programs that could change something"
    return None


@dataclass(slots=True)
class _Report:
    """Reports findings to observers, and collects them."""

    name: str
    observers: Sequence[Observer]
    said: list[str]

    def say(self, message: str) -> None:
        self.said.append(message)
        notify(self.observers, Noticed(name=self.name, message=message))
