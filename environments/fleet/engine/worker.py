"""A worker: takes wishes from the queues of a fleet, and carries them out."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NoReturn

from dbos import DBOS

from environments.execution.stop import StopRequest
from environments.fleet.carrying import Carrier
from environments.fleet.engine import requeue
from environments.fleet.engine.attendance import Attendance
from environments.fleet.engine.client import Client, connecting
from environments.fleet.engine.heart import Heart
from environments.fleet.engine.names import APPLICATION, QUEUE, SCHEDULED, SCHEMA, TAKEOVERS, WISH
from environments.fleet.engine.plain import PlainText
from environments.fleet.engine.slots import Slots
from environments.fleet.engine.standing import standing
from environments.fleet.engine.workers import Workers
from environments.fleet.errors import NotNow, Unfit
from environments.fleet.schedules import RETENTION
from environments.fleet.versions import present
from environments.fleet.wishes import Granted, Wish
from environments.fleet.worker_status import DEAD_AFTER, WorkerStatus
from statechart.errors import StorageError
from statechart.holder import Holder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from environments.fleet.schedules import Planner
    from statechart.storage.sql.database import Database

DECLARED_DEAD: Final = 75
"""The exit code of a worker that was declared dead, or could not tell that it lives."""

_LOOK: Final = 0.2  # seconds between two looks at what is in hand
_LOOK_FOR_CANCELS: Final = 0.5  # seconds; each is a statement
_PAUSE: Final = 1.0  # seconds before a wish that can't be begun here is queued again


class _PutBack(BaseException):
    """Ends a run of a wish that is queued again. Not an Exception, for which DBOS would record a result."""


@dataclass(slots=True)
class InHand:
    """A wish that is in hand.

    Attributes:
        wish: The wish.
        stop: Ends the work after a step.
        is_handed_over: Whether another worker is to go on.
    """

    wish: Wish
    stop: StopRequest = field(default_factory=StopRequest)
    is_handed_over: bool = False


class Worker:
    """A worker in this process, which can have only one.

    Args:
        database: The database of the environments and of the queues.
        carrier: Carries out the wishes.
        planner: Returns the wishes of a schedule.
        name: The name; by default that of the machine.
        slots: How many environments are worked on at the same time.
        tell: Prints a message.
        version: The version of the program.
        dead_after: How long it may be silent; then others take its work up.
    """

    def __init__(
        self,
        database: Database,
        carrier: Carrier,
        planner: Planner,
        *,
        name: str | None = None,
        slots: int = 8,
        tell: Callable[[str], None] = lambda _text: None,
        version: str | None = None,
        dead_after: timedelta = DEAD_AFTER,
    ) -> None:
        holder = Holder.current("envchart fleet worker")
        named = name or holder.host
        self.me: WorkerStatus = WorkerStatus(
            id=f"{named}-{holder.pid}-{secrets.token_hex(3)}",
            name=named,
            holder=holder,
            version=version or present(),
            slots=slots,
            spare=max(1, slots // 4),
            since=datetime.now(UTC),
            dead_after=dead_after,
        )
        self._database = database
        self._carrier = carrier
        self._planner = planner
        self._tell = tell
        self._client = Client(database)
        self._workers = Workers(database)
        self._slots = Slots(slots, self.me.spare)
        self._ending = threading.Event()
        self._hand_over_at: float | None = None
        self._in_hand: dict[str, InHand] = {}
        self._heart = Heart(database, self.me.id)
        self._attendance = Attendance(
            self._workers,
            self._heart,
            self.me,
            self._slots,
            tell,
            over=_end_now,
            drained=self.drain,
        )

    def run(self) -> None:
        """Work until the worker is drained. Call it in the main thread.

        The process ends with `DECLARED_DEAD`, in the middle of the work, if others may take it over.

        Raises:
            FleetNotMigrated: The database has no tables of a fleet.
            StorageError: The database can't be used.
        """
        self._client.check()
        self._attendance.begin()
        try:
            self._launch()
            threads = self._attending()
            threading.Thread(target=self._heed_cancellations, name="fleet-cancels", daemon=True).start()
            self._tell(f"{self.me.name} is ready: {self.me.slots} slots, program {self.me.version}")
            while not self._ending.wait(_LOOK):
                if not all(each.is_alive() for each in threads):  # an error of ours: it may not go on
                    _end_now()
                self._attendance.require_seen()
                self._hand_over()
            self._attendance.watchdog.close()
            for each in threads:
                each.join()
        finally:
            DBOS.destroy()
            self._leave()

    def drain(self, left: timedelta) -> None:
        """Take no more work, and hand over what is not finished when a time has passed."""
        at = time.monotonic() + left.total_seconds()
        if self._slots.is_open:
            self._tell(f"{self.me.name} drains: {self._slots.busy} wishes in hand")
        self._slots.is_open = False
        self._hand_over_at = at if self._hand_over_at is None else min(at, self._hand_over_at)

    def _launch(self) -> None:
        engine = DBOS(
            config={
                "name": APPLICATION,
                "system_database_url": connecting(self._database),
                "dbos_system_schema": SCHEMA,
                "executor_id": self.me.id,
                "application_version": self.me.version,
                "serializer": PlainText(),
                "run_migrations": False,
                "log_level": "CRITICAL",
            }
        )

        def carry_out(text: str) -> str:
            return self._carry_out(str(DBOS.workflow_id), Wish.read(text))

        def submit_scheduled(_at: str, name: str) -> str:
            return self._submit_scheduled(name)

        # Without a limit of attempts: a wish may be queued again while its environment is held.
        DBOS.workflow(name=WISH, max_recovery_attempts=None)(carry_out)
        DBOS.workflow(name=SCHEDULED, max_recovery_attempts=None)(submit_scheduled)
        DBOS.listen_queues([QUEUE, TAKEOVERS])
        DBOS.launch()
        self._slots.apply(engine)

    def _attending(self) -> list[threading.Thread]:
        """Start to tell that the worker lives, and apart from that, to look after others."""
        here = self._attendance
        threads = [
            threading.Thread(target=here.run, args=(each, self._ending.is_set), name=name, daemon=True)
            for name, each in (("fleet-heart", here.beat), ("fleet-care", here.look_after))
        ]
        for each in threads:
            each.start()
        return threads

    def _carry_out(self, number: str, wish: Wish) -> str:
        found = standing(self._database, number)
        queue = found.queue
        with self._slots.taken(queue), self._held(number, wish) as in_hand:
            self._attendance.guard()
            if found.waits:
                self._put_back(number, queue, pause=_LOOK)
            if found.cancelled_by:
                return Granted.cancelled(found.cancelled_by).text()
            return self._ending_of(number, in_hand, queue).text()

    def _ending_of(self, number: str, in_hand: InHand, queue: str) -> Granted:
        """Do the work of a wish; ends this run by `_PutBack` if the wish is queued again."""
        wish, begun = in_hand.wish, None
        if wish.goal.achieved_by is not None:  # kept by DBOS for later runs of the wish
            begun = int(DBOS.run_step(None, self._revision, wish.name))
        try:
            ending = self._carrier.carry_out(wish, in_hand.stop, begun)
        except Unfit as unfit:
            return self._leave_to_others(number, unfit, queue)
        except NotNow as error:
            self._tell(str(error))
            self._put_back(number, TAKEOVERS)
        if in_hand.is_handed_over and ending.condition == "cancelled":
            self._put_back(number, TAKEOVERS, pause=0)
        return ending

    def _revision(self, name: str) -> str:
        return str(self._carrier.revision(name))

    def _leave_to_others(self, number: str, unfit: Unfit, queue: str) -> Granted:
        """Queue a wish again for another worker that may be able to do it; without such, return its end."""
        known = {**self._client.unfit(number), self.me.id: "; ".join(unfit.problems)}
        self._client.note_unfit(number, known)
        others = [
            each.id
            for each in self._workers.living()
            if each.version == self.me.version and not each.drains
        ]
        if not set(others) <= known.keys():
            self._tell(f"{unfit}; left to another worker")
            self._put_back(number, queue)
        why = "; ".join(f"{worker}: {problems}" for worker, problems in known.items())
        return Granted("failed", code="unfit", message=f"no worker can do it: {why}", exit_code=6)

    def _put_back(self, number: str, queue: str, *, pause: float = _PAUSE) -> NoReturn:
        """Queue a wish again, and end this run of it."""
        self._ending.wait(pause)
        while True:
            try:
                requeue.put_back(self._database, [self.me.id], queue=queue, wish=number)
            except StorageError as error:  # until then, nobody else may take it
                self._tell(f"{number}: {error}")
                time.sleep(_PAUSE)
            else:
                raise _PutBack

    @contextmanager
    def _held(self, number: str, wish: Wish) -> Iterator[InHand]:
        in_hand = self._in_hand[number] = InHand(wish)
        try:
            yield in_hand
        finally:
            del self._in_hand[number]

    def _hand_over(self) -> None:
        """End if nothing is in hand any more, after draining; when its time is over, stop what is."""
        if self._hand_over_at is None:
            return
        if not self._slots.busy:
            self._ending.set()
        elif time.monotonic() >= self._hand_over_at:
            for each in list(self._in_hand.values()):
                if not each.is_handed_over:
                    each.is_handed_over = True
                    each.stop.request("handed over to another worker")

    def _heed_cancellations(self) -> None:
        """Ask commands to stop whose wishes are cancelled."""
        while not self._ending.wait(_LOOK_FOR_CANCELS):
            in_hand: Mapping[str, InHand] = dict(self._in_hand)
            try:
                asked = self._client.cancelled(list(in_hand))
            except StorageError:  # told by the beat
                continue
            for number, by in asked.items():
                if in_hand[number].stop.reason is None:
                    in_hand[number].stop.request(f"cancelled by {by}")

    def _submit_scheduled(self, name: str) -> str:
        if name == "prune":
            return str(self._client.prune(RETENTION))
        wishes = self._planner(name)
        self._client.enqueue(wishes, self.me.version)
        return str(len(wishes))

    def _leave(self) -> None:
        try:
            self._heart.close()
            self._workers.leave(self.me.id)
        except StorageError:  # it will be found dead
            self._tell(f"{self.me.name} could not be signed off")


def _end_now() -> None:
    # Not by an exception: threads that work on environments must not go on.
    os._exit(DECLARED_DEAD)
