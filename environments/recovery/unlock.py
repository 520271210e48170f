"""Show the process that holds an environment, end it, and record who did so."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import psutil

from environments.errors import CannotUnlock, NotHeld, StepFailed
from environments.model.records import OperationRecord
from environments.system.ending import Send, end
from environments.system.processes import Program, lives
from environments.system.survivors import survivors
from statechart.errors import StorageError

if TYPE_CHECKING:
    from environments.execution.runtime import Runtime
    from environments.model.environment import AnyEnvironment
    from statechart.holder import Holder

_STATES = {
    psutil.STATUS_STOPPED: "stopped: it does nothing until it is continued",
    psutil.STATUS_TRACING_STOP: "stopped by a debugger",
    psutil.STATUS_DISK_SLEEP: "waiting for the system, and can't be interrupted",
    psutil.STATUS_SLEEPING: "waiting for input, a child or a timer",
    psutil.STATUS_RUNNING: "running",
    psutil.STATUS_ZOMBIE: "ended, and not yet collected by its parent",
}
_PATIENCE = 5.0  # the kernel releases the lock a moment after the process has ended


@dataclass(frozen=True, slots=True)
class HolderReport:
    """A description of the process that holds an environment, line by line."""

    holder: Holder
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unlocked:
    """The result of unlocking: the ended holder, and the environment with the record of it."""

    environment: AnyEnvironment
    holder: Holder
    how: str


@dataclass(frozen=True, slots=True)
class Unlocking:
    """Ends the process that holds an environment."""

    runtime: Runtime
    name: str

    def look(self) -> HolderReport:
        """Describe the holder, and its progress.

        Raises:
            NotHeld: No process holds the environment.
            CannotUnlock: The holder can't be ended from here.
        """
        holder = self.runtime.repository.holder(self.name)
        if holder is None:
            raise NotHeld(self.name)
        self._require_reachable(holder)
        return HolderReport(holder, tuple(self._seen(holder)))

    def _require_reachable(self, holder: Holder) -> None:
        """Refuse a holder that is not proved to be a running process of this machine, and this process."""
        described = holder.describe()
        if holder.is_alive() is None:
            reason = "it is not on this machine, or in another container"
            raise CannotUnlock(self.name, described, reason)
        if not holder.is_alive():
            reason = "the recorded process is gone, and another process has the lock file open"
            raise CannotUnlock(self.name, described, reason)
        # `unlock` can be run by a step of the very command that holds the environment.
        here = psutil.Process()
        if holder.pid in {here.pid, *(parent.pid for parent in here.parents())}:
            raise CannotUnlock(self.name, described, "it is this command itself, or one that started it")

    def _seen(self, holder: Holder) -> Iterator[str]:
        yield f"held by {holder.describe()}"
        with suppress(psutil.Error):  # the process may end at any moment
            process = psutil.Process(holder.pid)
            state = process.status()
            yield f"its process is {_STATES.get(state, state)}"
            used = process.cpu_times()
            yield f"it has used {used.user + used.system:.1f} s of processor time"
        yield from self._progress()

    def _progress(self) -> Iterator[str]:
        try:
            environment = self.runtime.repository.load(self.name)
        except StorageError as error:
            yield f"its record can't be read: {error}"
            return
        operation = environment.operation
        if operation is None or not operation.is_active:
            yield f"no operation is open: {self.name} is {environment.condition}"
            return
        step = operation.step
        if step is None:
            yield f"{operation.command} is between two steps"
        else:
            since = (self.runtime.clock.now() - step.started_at).total_seconds()
            at = f"step {step.number}/{step.of} {step.name}"
            yield f"{operation.command} has been at {at} for {since:.0f} s"
        for tool in survivors(operation):
            yield f"the step's {Program.of(tool).describe()} runs"

    async def end(self, holder: Holder, who: str, grace: timedelta) -> Unlocked:
        """End the holder that `look` described, and record who did so.

        Raises:
            CannotUnlock: That process is gone, or can't be ended.
            Locked: Another process acquired the environment in between.
        """
        self._require_reachable(holder)
        how = await self._ended(holder, grace)
        reason = f"{who} ended its holder, {holder.command or 'a process'} (pid {holder.pid}): {how}"
        patient = replace(self.runtime, lock_timeout=_PATIENCE)
        async with patient.open(self.name, "unlock", settled=False) as held:
            environment = held.environment
            unlocked = environment.with_operation(environment.operation, at=self.runtime.clock.now())
            held.session.commit(OperationRecord(change="unlocked", reason=reason, environment=unlocked))
            return Unlocked(held.environment, holder, how)

    async def _ended(self, holder: Holder, grace: timedelta) -> str:
        """End the holder, politely, then by force; return in words how it ended."""
        with _addressed(holder) as send:
            try:
                ended = await end(lambda: _process(holder), grace, send=send)
            except PermissionError:
                reason = f"it belongs to {holder.user}, and you may not end it"
                raise CannotUnlock(self.name, holder.describe(), reason) from None
            except StepFailed:
                reason = "it does not end, even by force"
                raise CannotUnlock(self.name, holder.describe(), reason) from None
        if not ended.found:
            return "it had ended by itself"
        return f"by {signal.SIGKILL.name if ended.killed else signal.SIGTERM.name}"


def _process(holder: Holder) -> list[psutil.Process]:
    """Return a list of the holder's process, empty when that process has ended."""
    with suppress(psutil.Error):
        process = psutil.Process(holder.pid)
        return [process] if holder.identity.is_alive and lives(process) else []
    return []


@contextmanager
def _addressed(holder: Holder) -> Iterator[Send]:
    """Yield a function that signals the holder, and never a later process of the same number."""
    try:
        descriptor = os.pidfd_open(holder.pid)
    except ProcessLookupError:
        descriptor = -1

    def send(_processes: Iterable[psutil.Process], number: signal.Signals) -> None:
        # The descriptor stands for the process that had the number when it was opened: if that is
        # still the holder, no other process can get the signal.
        if descriptor >= 0 and _process(holder):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
                signal.pidfd_send_signal(descriptor, signal.SIGCONT)  # a stopped process can't end

    try:
        yield send
    finally:
        if descriptor >= 0:
            os.close(descriptor)
