"""Run the effects that are due in a store: each at least once, and never two at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, Literal

from pydantic import BaseModel, JsonValue

from statechart.chart import Chart
from statechart.engine.declaration.hints import hints
from statechart.engine.effects import Effect, named
from statechart.engine.keywords import Keyword
from statechart.errors import Locked, StatechartError, StorageError
from statechart.holder import Holder
from statechart.log import warn
from statechart.storage.record import Record
from statechart.storage.segments.due import EFFECT, Due
from statechart.storage.session import ModelT
from statechart.stored.damage import Damage, Damaged, OnDamage
from statechart.stored.outbox import Pending
from statechart.utc import UtcDatetime
from statechart.wording import nearest

if TYPE_CHECKING:
    from statechart.stored.outbox import RunLock
    from statechart.stored.store import Opened, Store

_ROUNDS = 100
_MASK = "**********"  # what is recorded of a secret
_LONGEST = 2000  # characters of an error that are recorded


class DueEffect(BaseModel, frozen=True, extra="forbid"):
    """An effect that is due.

    Attributes:
        name: The name in the store.
        key: Equal whenever this effect is repeated, and no other effect has it.
        effect: The name of the effect.
        revision: The revision of the transition.
        at: The moment of the transition.
        attempts: The number of failed attempts.
        error: The error of the last attempt.
        not_before: The moment before which it is not run again, unless forced.
    """

    name: str
    key: str
    effect: str
    revision: int
    at: UtcDatetime
    event: str
    from_state: str
    to_state: str
    attempts: int = 0
    error: str | None = None
    not_before: UtcDatetime | None = None


class EffectOutcome(BaseModel, frozen=True, extra="forbid"):
    """The outcome of an effect in a call of `run_effects`.

    Attributes:
        name: The name in the store.
        key: The key that the effect was given; empty if the name can't be read.
        effect: The name of the effect; empty if the name can't be read.
        status: `done`; `failed`, if the effect raised; or `skipped`, if it was not called.
        attempts: The number of attempts so far.
        error: The error of the effect, or the reason why it was not called or not recorded.
        not_before: The moment before which a failed effect is not run again, unless forced.
        recorded: Whether the outcome is recorded. An effect that is done and not recorded stays due.
    """

    name: str
    key: str
    effect: str
    status: Literal["done", "failed", "skipped"]
    attempts: int
    error: str | None = None
    not_before: UtcDatetime | None = None
    recorded: bool = False


class EffectsRunner(Generic[ModelT]):
    """Runs the effects that the records of a store say are due.

    Args:
        opened: The store.
        chart: The chart that declares the effects.
        repository: The object that effects get as `repository`, to fire events on.
    """

    def __init__(self, opened: Opened[ModelT], chart: type[Chart], repository: object) -> None:
        self._store: Store[ModelT] = opened.store
        self._outbox = opened.outbox
        self._chart = chart
        self._repository = repository

    def due(self, name: str | None = None, *, on_damage: OnDamage | None = None) -> list[DueEffect]:
        """Return the effects due for a name, or for all; of each name, in the order of its transitions.

        Raises:
            NotFound: The name does not exist.
            StorageError: The history of the name is damaged or can't be read.
            DamagedNames: Of all names, some can't be read.
        """
        damage = Damage(self._store.where, on_damage)
        found = [
            _shown(pending, each)
            for pending in damage.sifted(self._pending(name))
            for each in pending.effects
        ]
        damage.check(dict.fromkeys(each.name for each in found))
        return found

    def run(
        self, name: str | None = None, *, limit: int | None = None, force: bool = False, timeout: float = 10
    ) -> list[EffectOutcome]:
        """Run what is due for a name, or for all names, and record the outcomes.

        Args:
            name: The name, or None for all.
            limit: The most effects to call.
            force: Also call effects that wait after a failed attempt.
            timeout: The seconds to wait for a name that another process changes, to record an outcome.

        Raises:
            ValueError: The limit is negative.
            NotFound: The name does not exist.
            StorageError: The history of the name is damaged or can't be read. Of all names, such a one is
                an outcome instead.
        """
        if limit is not None and limit < 0:
            raise ValueError(f"the limit of effects is a number from 0, not {limit}")
        left = limit
        outcomes: list[EffectOutcome] = []
        for pending in self._pending(name, remember=True):
            if left == 0:
                break
            if isinstance(pending, Damaged):
                outcomes.append(_unread(pending.name, pending.error))
                continue
            found = self._run_name(pending, left, force=force, timeout=timeout)
            outcomes += found
            if left is not None:
                left -= sum(each.status != "skipped" for each in found)
        return outcomes

    def _pending(self, name: str | None, *, remember: bool = False) -> Iterator[Pending | Damaged]:
        if name is None:
            yield from self._outbox.all(remember=remember)
        else:
            yield self._outbox.of(name)

    def _run_name(
        self, pending: Pending, left: int | None, *, force: bool, timeout: float
    ) -> list[EffectOutcome]:
        if not pending.effects:
            return []
        try:
            lock = self._outbox.lock(pending.name)
            lock.acquire(Holder.current("run effects"))
        except StorageError as error:
            why = f"another run has them ({error})" if isinstance(error, Locked) else str(error)
            return [_skipped(pending, each, why) for each in pending.effects]
        outcomes: dict[str, EffectOutcome] = {}
        try:
            self._run_locked(pending.name, lock, left, outcomes, force=force, timeout=timeout)
        except StorageError as error:  # deleted or damaged since it was read
            return [*outcomes.values(), _unread(pending.name, error)]
        finally:
            lock.release()
        return list(outcomes.values())

    def _run_locked(
        self,
        name: str,
        lock: RunLock,
        left: int | None,
        outcomes: dict[str, EffectOutcome],
        *,
        force: bool,
        timeout: float,
    ) -> None:
        """Run the effects of a name, and add the outcomes, by their keys."""
        # An effect may fire an event that makes others due. The bound is for those that never end.
        for _ in range(_ROUNDS):
            # Read under the lock: another run may have had some in the meantime.
            pending = self._outbox.of(name)
            new = [each for each in pending.effects if each.key(pending.lineage) not in outcomes]
            if not new:
                return
            for each in new:
                called = sum(outcome.status != "skipped" for outcome in outcomes.values())
                if left is not None and called >= left:
                    return
                lock.check()
                outcome = self._attempt(pending, each, force=force, timeout=timeout)
                outcomes[outcome.key] = outcome

    def _attempt(self, pending: Pending, due: Due, *, force: bool, timeout: float) -> EffectOutcome:
        now = datetime.now(UTC)
        if due.waits(now) and not force:
            return _skipped(pending, due, f"it waits after a failed attempt: {due.error}")
        effect = next((each for each in self._chart._effects if each.name == due.effect), None)
        if effect is None:
            return _skipped(pending, due, self._unknown(due.effect))
        try:
            record = self._store.upgraded(pending.name, due.record)
            value = self._store.read(pending.name, record)
        except StorageError as problem:  # of a migration or a changed model, not of the effect
            return _skipped(pending, due, str(problem))
        holder = self._holder(pending.name, timeout)
        if holder is not None:
            return _skipped(
                pending, due, f"its outcome could not be recorded: {Locked(pending.name, holder)}"
            )
        error: str | None = None
        try:
            self._call(effect, record, value, name=pending.name, key=due.key(pending.lineage))
        # Whatever it is, it is recorded, and must not stop the others. `sys.exit` in a called program is no
        # wish to end this one.
        except (Exception, SystemExit) as raised:
            error = _line(raised)
            warn(f"Effect failed: {due.effect} of {pending.name!r}: {error}", name=pending.name)
        return self._recorded(pending, due, error, timeout)

    def _holder(self, name: str, timeout: float) -> Holder | None:
        """Return who still holds a name after a wait, or None if nobody does."""
        # An effect is not called while a session is open, perhaps of the caller: it could not be recorded.
        deadline = time.monotonic() + timeout
        while (holder := self._store.holder(name)) is not None and time.monotonic() < deadline:
            time.sleep(self._store.poll)
        return holder

    def _unknown(self, effect: str) -> str:
        names = [each.name for each in self._chart._effects]
        like = nearest(effect, names)
        hint = f"did you mean {like}? " if like else ""
        return (
            f"{self._chart.__name__} has no effect {effect}: {hint}"
            f'give the method that took its place @effect(..., name="{effect}")'
        )

    def _call(self, effect: Effect, record: Record, value: ModelT, *, name: str, key: str) -> None:
        said = {part: record.data.get(part) for part in ("event", "from_state", "to_state")}
        given = {"model": value, "key": key, "name": name, "repository": self._repository, **said}
        payload = record.data.get("payload")
        taken = effect.payload(payload if isinstance(payload, dict) else {})
        named([effect], taken, chart=self._chart.__name__, event=str(said["event"]))
        # A machine of its own: the effect may fire events of the same chart.
        method = getattr(self._chart(value.model_copy()), effect.method)
        arguments = {part: given[part] for part in effect.takes & given.keys()}
        method(**arguments, **_typed(method, taken))

    def _recorded(self, pending: Pending, due: Due, error: str | None, timeout: float) -> EffectOutcome:
        """Record the outcome of an attempt under the lock of the name."""
        lineage = pending.lineage
        retry = None if error is None else due.next_attempt(datetime.now(UTC))
        data = due.settled(lineage, error, retry)
        problem: str | None = None
        try:
            with self._store.open(pending.name, command="record an effect", timeout=timeout) as session:
                if session.head.lineage == lineage:
                    session.append(EFFECT, data)
                else:
                    problem = f"{pending.name!r} was deleted and created again"
        except StorageError as unwritten:
            problem = str(unwritten)
            warn(f"Effect not recorded: {due.effect} of {pending.name!r}: {problem}", name=pending.name)
        told = [error, problem and f"the outcome is not recorded, and the effect stays due: {problem}"]
        return EffectOutcome(
            name=pending.name,
            key=due.key(pending.lineage),
            effect=due.effect,
            status="done" if error is None else "failed",
            attempts=due.attempts + 1,
            error="; ".join(filter(None, told)) or None,
            not_before=retry,
            recorded=problem is None,
        )


def _typed(method: Any, payload: Mapping[str, JsonValue]) -> dict[str, Any]:
    """Return the payload as the types that a method's parameters are annotated with.

    Raises:
        ValueError: A part is not of its type, or was a secret.
    """
    secret = next((name for name, part in payload.items() if part == _MASK), None)
    if secret is not None:
        raise ValueError(
            f"the payload {secret} was a secret, which is not recorded: store where it is kept"
        )
    kinds = hints(getattr(method, "__func__", method))
    return {
        name: Keyword(name, kinds.get(name, Any), "", required=True).of_json(part)
        for name, part in payload.items()
    }


def _line(error: BaseException) -> str:
    """Return an error in a line."""
    line = " ".join(f"{type(error).__name__}: {error}".split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _shown(pending: Pending, due: Due) -> DueEffect:
    said = due.record.data
    return DueEffect(
        name=pending.name,
        key=due.key(pending.lineage),
        effect=due.effect,
        revision=due.record.revision,
        at=due.record.at,
        event=str(said.get("event")),
        from_state=str(said.get("from_state")),
        to_state=str(said.get("to_state")),
        attempts=due.attempts,
        error=due.error,
        not_before=due.not_before,
    )


def _skipped(pending: Pending, due: Due, why: str) -> EffectOutcome:
    return EffectOutcome(
        name=pending.name,
        key=due.key(pending.lineage),
        effect=due.effect,
        status="skipped",
        attempts=due.attempts,
        error=why,
        not_before=due.not_before,
    )


def _unread(name: str, problem: StatechartError) -> EffectOutcome:
    return EffectOutcome(name=name, key="", effect="", status="skipped", attempts=0, error=str(problem))
