"""Watch over environments that expire: propose their teardown, or start it where the spec says so."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from environments.model.errors import EnvironmentsError, UnreadableSummary
from environments.system.clock import SystemClock
from statechart.errors import NotFound, StatechartError

if TYPE_CHECKING:
    from environments.model.summary import Summary
    from environments.ports import Clock
    from environments.workspace import Workspace

_EVERY: Final = 1.0  # seconds between two looks at the deadlines that are known
_FIRST: Final = timedelta(seconds=30)
_LONGEST: Final = timedelta(hours=1)

Outcome: TypeAlias = Literal["proposed", "destroyed", "failed"]


@dataclass(frozen=True, slots=True)
class Expiry:
    """An environment that expires.

    Attributes:
        at: The time at which it expires.
        destroys: Whether its spec says that it is destroyed then, and not only proposed.
    """

    name: str
    at: datetime
    destroys: bool

    def document(self) -> dict[str, object]:
        """Return the document that `--json` prints."""
        return {
            "name": self.name,
            "expires_at": self.at.isoformat(timespec="milliseconds"),
            "on_expiry": "destroy" if self.destroys else "propose",
        }


@dataclass(frozen=True, slots=True)
class Fired:
    """The outcome of an expiry.

    Attributes:
        problem: The reason why the environment could not be destroyed, or None.
        again: When the next attempt is made, or None.
    """

    expiry: Expiry
    outcome: Outcome
    problem: str | None = None
    again: datetime | None = None

    def document(self) -> dict[str, object]:
        """Return the document that `--json` prints."""
        return {
            **self.expiry.document(),
            "outcome": self.outcome,
            "problem": self.problem,
            "again": None if self.again is None else self.again.isoformat(timespec="milliseconds"),
        }


def expiries(workspace: Workspace) -> list[Expiry]:
    """Return the environments that expire and are not destroyed, the earliest first."""
    found = (expiry_of(each) for each in workspace.summaries() if not isinstance(each, UnreadableSummary))
    return sorted((each for each in found if each is not None), key=lambda each: (each.at, each.name))


def expiry_of(summary: Summary) -> Expiry | None:
    """Return the expiry of an environment, or None if it does not expire or is destroyed."""
    at = summary.expires_at
    if at is None or summary.state.name == "destroyed":
        return None
    return Expiry(summary.name, at, summary.spec.on_expiry == "destroy")


@dataclass(slots=True)
class ExpiryRunner:
    """Acts when environments expire, once for each, whichever process declared them.

    A teardown that fails, or an environment that another process works on, is tried again after a pause
    that doubles. An environment whose spec was changed meanwhile is looked at again first.

    Attributes:
        workspace: The environments.
        tell: Called with what became of each expiry.
    """

    workspace: Workspace
    tell: Callable[[Fired], None] = lambda _fired: None
    clock: Clock = field(default_factory=SystemClock)
    _known: dict[str, Expiry] = field(default_factory=dict)
    _unread: set[str] = field(default_factory=set)
    _proposed: set[Expiry] = field(default_factory=set)
    _pauses: dict[str, tuple[timedelta, datetime]] = field(default_factory=dict)

    async def once(self) -> list[Fired]:
        """Act on all environments that have expired by now, and return what became of each."""
        self._known = {each.name: each for each in expiries(self.workspace)}
        return [fired async for fired in self._fire_due()]

    async def run(self) -> None:
        """Act on environments as they expire, until the task is cancelled."""
        async with aclosing(self.workspace.changed().names(every=_EVERY)) as changed:
            async for names in changed:
                self._look(names)
                async for _ in self._fire_due():
                    pass

    def _look(self, names: Iterable[str]) -> None:
        for name in self._unread | set(names):
            self._known.pop(name, None)
            self._unread.discard(name)
            try:
                summary = self.workspace.summary(name)
            except NotFound:
                continue
            except StatechartError:  # such as a database that is away, after which no change is told again
                self._unread.add(name)
                continue
            found = None if isinstance(summary, UnreadableSummary) else expiry_of(summary)
            if found is not None:
                self._known[name] = found

    async def _fire_due(self) -> AsyncGenerator[Fired, None]:
        now = self.clock.now()
        for expiry in sorted(self._known.values(), key=lambda each: (each.at, each.name)):
            pause = self._pauses.get(expiry.name)
            if expiry.at > now or expiry in self._proposed or (pause is not None and pause[1] > now):
                continue
            fired = await self._fire(expiry) if expiry.destroys else Fired(expiry, "proposed")
            if fired is not None:
                if fired.outcome == "proposed":
                    self._proposed.add(expiry)
                self.tell(fired)
                yield fired

    async def _fire(self, expiry: Expiry) -> Fired | None:
        """Destroy an environment, if it has still expired; None if it has not."""
        name = expiry.name
        try:
            environment = self.workspace.load(name)
            recorded = environment.expires_at
            if recorded != expiry.at or environment.spec.on_expiry != "destroy":
                self._look((name,))
                return None
            # The environment, not its name: one that was changed meanwhile is refused.
            await self.workspace.destroy(environment)
        except NotFound:
            self._known.pop(name, None)
            return None
        except (StatechartError, EnvironmentsError) as error:
            return self._failed(expiry, error)
        self._known.pop(name, None)
        self._pauses.pop(name, None)
        return Fired(expiry, "destroyed")

    def _failed(self, expiry: Expiry, error: Exception) -> Fired:
        before = self._pauses.get(expiry.name)
        pause = _FIRST if before is None else min(before[0] * 2, _LONGEST)
        again = self.clock.now() + pause
        self._pauses[expiry.name] = pause, again
        return Fired(expiry, "failed", str(error), again)
