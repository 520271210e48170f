"""Store the state of Terraform with the record while Terraform runs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.terraform.tofu.carried.build import Build
from environments.providers.terraform.tofu.carried.note import Note, identity
from environments.providers.terraform.tofu.carried.whole import WholeState
from environments.providers.terraform.tofu.state_file import LINEAGE
from statechart.errors import LeaseLost, StorageError
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.model.steps import StepContext
    from environments.providers.terraform.settings import TerraformSettings

EVERY = 0.25
"""The seconds between two looks at the file of the state."""

_PATIENCE = 20.0
_PAUSE = 0.5
_CHANGING = {"apply", "destroy", "refresh", "import"}


@asynccontextmanager
async def mirrored(spec: TerraformSettings, context: StepContext, subcommand: str) -> AsyncIterator[None]:
    """Store each version of the state while a subcommand changes it, and the last at the end.

    If the environment is no longer held, the block is cancelled, which ends the tool.

    Raises:
        StepFailed: The last version could not be stored, or the environment is no longer held.
    """
    carrier = context.carried
    if carrier is None or not carrier.held or subcommand not in _CHANGING:
        yield
        return
    mirror = _Mirror(Build(spec, context, carrier))
    await in_thread(lambda: mirror.begin(at_work=True))
    cut, loop = _Cut(), asyncio.get_running_loop()
    mirror.tell = partial(_soon, loop, context.progress)
    mirror.end_tool = partial(_soon, loop, cut)
    mirror.start()
    error: BaseException | None = None
    try:
        yield
    except BaseException as caught:
        error = caught
    ours = await cut.over(error)
    problem = await in_thread(mirror.end)
    if problem and (cut.others or not (ours or isinstance(error, StepFailed | None))):
        context.progress(problem)  # the error is another one, and the state must not be overlooked
    if cut.others:
        raise asyncio.CancelledError from error
    if error is not None and not ours and not (problem and isinstance(error, StepFailed)):
        raise error
    if isinstance(error, StepFailed):
        raise StepFailed(error.cause, f"{error.summary}; {problem}", error.detail) from error
    if problem:
        raise StepFailed(FailureCause.PERSISTENCE, problem) from error


async def stored(spec: TerraformSettings, context: StepContext) -> None:
    """Store the state as it is, before the record says that there may be resources.

    Raises:
        StepFailed: The version could not be stored.
    """
    carrier = context.carried
    if carrier is not None and carrier.held:
        mirror = _Mirror(Build(spec, context, carrier))
        await in_thread(lambda: mirror.begin(at_work=False))


@dataclass
class _Cut:
    """The cancellation of a block by a thread, told apart from others.

    Attributes:
        task: The task that runs the block.
        others: Whether somebody else has cancelled the task as well.
    """

    task: asyncio.Task[object] | None = field(default_factory=asyncio.current_task)
    others: bool = False
    _made: bool = False
    _over: bool = False

    def __call__(self) -> None:
        """Cancel the block, unless the block is over."""
        if self.task is not None and not self._over:
            self._made = True
            self.task.cancel()

    async def over(self, error: BaseException | None) -> bool:
        """Note that the block is over, with an error or without; return whether it was ended by this."""
        self._over = True
        if not self._made or self.task is None:
            return False
        if not isinstance(error, asyncio.CancelledError):  # it is due at the next wait
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)
        self.others = self.task.uncancel() > 0
        return isinstance(error, asyncio.CancelledError) and not self.others


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[..., object], *args: object) -> None:
    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(call, *args)


@dataclass
class _Mirror:
    """A thread that looks at the file of the state, and stores what has changed.

    Attributes:
        build: The directory that Terraform works in.
        tell: Reports a problem while Terraform runs.
        end_tool: Ends Terraform, since the environment is no longer held.
        lost: Whether the environment is no longer held.
    """

    build: Build
    tell: Callable[[str], None] = lambda _message: None
    end_tool: Callable[[], None] = lambda: None
    lost: bool = False
    _note: Note = field(default_factory=lambda: Note(token=""))
    _seen: str = ""
    _reported: str = ""
    _told: str = ""
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self, *, at_work: bool) -> None:
        """Store a version before Terraform runs, so that the directory is known as that of the state.

        Raises:
            StepFailed: The version could not be stored, or the key is missing.
        """
        note, latest = Note.read(self.build.layout), self.build.latest
        if note is None or (latest is not None and latest.header.by != note.token):
            base = latest.digest if latest else ""
            note = (note or Note(token="")).model_copy(update={"token": uuid4().hex, "base": base})
            note.write(self.build.layout)
        self._note = note
        seen = identity(self.build.layout.state)
        try:
            self._store(WholeState.read(self.build.layout.state), seen, at_work=at_work)
        except StorageError as error:
            summary = f"Terraform was not started: its state can't be stored with the record: {error}"
            raise StepFailed(FailureCause.PERSISTENCE, summary) from error

    def start(self) -> None:
        """Start to look."""
        self._thread = threading.Thread(target=self._run, name="envchart-state", daemon=True)
        self._thread.start()

    def end(self) -> str:
        """Stop to look, store the last version, and return a problem, or an empty string."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        until = time.monotonic() + _PATIENCE
        while not self.lost:
            try:
                return self._last()
            except LeaseLost:
                self.lost = True
            except StorageError as error:
                if time.monotonic() > until:
                    return (
                        f"{self._only_here()}, since it could not be stored with the record: {error}. Go "
                        "on on this machine, which stores that state first"
                    )
                time.sleep(_PAUSE)
            except StepFailed as failed:
                return failed.summary
        return (
            f"another process holds the environment by now, so Terraform was ended; {self._only_here()}. "
            "Unless that process changes the infrastructure, go on on this machine, which stores that "
            "state first"
        )

    def _run(self) -> None:
        pause = EVERY
        while not self._over.wait(pause):
            begun = time.monotonic()
            try:
                self._look()
            except LeaseLost:
                self.lost = True
                self.end_tool()
                return
            except (StorageError, StepFailed, OSError) as error:
                self._report(f"the state of Terraform can't be stored with the record at present: {error}")
            # A large state must not keep the machine from the work itself.
            pause = max(EVERY, time.monotonic() - begun)

    def _report(self, problem: str) -> None:
        if problem != self._told:
            self._told = problem
            self.tell(problem)

    def _look(self) -> None:
        reported = identity(self.build.layout.completed)
        if reported not in ("", self._reported):  # a backend has the state only at the end
            self._store(None, "", at_work=True)
            self._reported = reported
        seen = identity(self.build.layout.state)
        if seen in ("", self._seen):
            return
        state = WholeState.read(self.build.layout.state)
        if state is None:  # it is being written: the next look comes soon
            return
        if state.digest != self._note.known:
            self._store(state, seen, at_work=True)
        self._seen = seen

    def _last(self) -> str:
        """Store the last version, and return a problem, or an empty string."""
        layout = self.build.layout
        seen, state = identity(layout.state), WholeState.read(layout.state)
        if layout.unsaved_state.exists() and (saved := WholeState.read(layout.unsaved_state)) is not None:
            newer = state is None or (saved.lineage == state.lineage and saved.serial > state.serial)
            state, seen = (saved, "") if newer else (state, seen)
        if state is None and self._note.known and not layout.backend.exists():
            how = "damaged, since Terraform was killed while it wrote" if layout.state.exists() else "gone"
            return f"{layout.state} is {how}; the record has an earlier version"
        # Terraform removes its note of the lock, unless it is killed.
        self._store(state, seen, at_work=layout.lock.exists())
        return ""

    def _store(self, state: WholeState | None, seen: str, *, at_work: bool) -> None:
        lineage = self.build.context.environment.outputs.details.get(LINEAGE)
        if state is not None and lineage and state.lineage != lineage:
            summary = (
                f"{self.build.layout.state} became the state of something else while Terraform ran: its "
                f"lineage is {state.lineage} instead of {lineage}; it was not stored with the record"
            )
            raise StepFailed(FailureCause.INFRASTRUCTURE, summary)
        if state is None and not self.build.layout.backend.exists():
            return  # nothing was stored, or a version that must stay the last one
        self.build.store(state, by=self._note.token, at_work=at_work)
        if state is not None:
            self._note = self._note.knowing(state, seen, self.build.layout)
            self._note.write(self.build.layout, durable=False)

    def _only_here(self) -> str:
        return f"its last state is only in {self.build.layout.state} on this machine"
