"""The client of a fleet's queue: asks, lists and cancels, and works on nothing itself."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from shlex import quote
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, WorkflowStatus
from psycopg.errors import InsufficientPrivilege
from sqlalchemy.exc import ProgrammingError

from environments.fleet.engine.names import (
    APPLICATION,
    CANCEL,
    QUEUE,
    SCHEDULED,
    SCHEMA,
    TAKEOVERS,
    UNFIT,
    WISH,
)
from environments.fleet.engine.plain import PlainText
from environments.fleet.engine.pruning import prunable
from environments.fleet.engine.requeue import WORKFLOWS
from environments.fleet.errors import FleetNotMigrated, InvalidGoal
from environments.fleet.goals import Goal
from environments.fleet.schedules import Schedule
from environments.fleet.wishes import Condition, Granted, Wish, WishStatus
from environments.storage.sql.schema import ENVIRONMENTS
from statechart.storage.sql.errors import NotPermitted, as_owner

if TYPE_CHECKING:
    from dbos import WorkflowSchedule

    from statechart.storage.sql.database import Database

POLL: Final = 0.2
"""How many seconds a worker lets pass between two looks at a queue."""

_NO_TABLES: Final = "has no tables of a fleet, or older ones"
_UNFINISHED: Final = ("DELAYED", "ENQUEUED", "PENDING")
_CONDITIONS: Final[Mapping[str, Condition]] = {
    "DELAYED": "queued",
    "ENQUEUED": "queued",
    "PENDING": "running",
    "CANCELLED": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Client:
    """The queue of a fleet.

    Attributes:
        database: The database.
    """

    database: Database

    def migrate(self) -> None:
        """Make the tables of a store and of DBOS, or migrate them, and declare the queues.

        Raises:
            NotPermitted: This role may not make or change the tables.
        """
        _be_quiet()
        try:
            ENVIRONMENTS.migrate(self.database)
            with self.database.translated():
                DBOS.migrate(connecting(self.database), schema=SCHEMA)
            with self._open() as client:
                for queue in (QUEUE, TAKEOVERS):
                    # How much each worker takes is its own: see `Slots`.
                    client.register_queue(queue, partition_concurrency=1, polling_interval_sec=POLL)
        except NotPermitted as error:
            # Rights on the tables are no help: the role would have to own them.
            where = self.database.where
            make = f"its owner makes the tables: envchart fleet migrate --store {quote(as_owner(where))}"
            raise NotPermitted(where, error.problem, (make, *NotPermitted(where).next[:1])) from error

    def check(self) -> None:
        """Check that the tables are there.

        Raises:
            FleetNotMigrated: They are not.
        """
        if not ENVIRONMENTS.is_there(self.database):
            raise FleetNotMigrated(self.database.where, _NO_TABLES)
        with self._open() as client:
            if client.retrieve_queue(TAKEOVERS) is None:
                raise FleetNotMigrated(self.database.where, "has no queues of a fleet")

    def enqueue(self, wishes: Mapping[str, Wish], version: str) -> None:
        """Queue wishes by their numbers: all of them, or none if the database fails."""
        with self._open() as client, self.database.writing() as connection:
            for number, wish in wishes.items():
                client.enqueue_in_transaction(
                    connection,
                    {
                        "workflow_name": WISH,
                        "queue_name": QUEUE,
                        "workflow_id": number,
                        "queue_partition_key": wish.name,
                        "app_version": version,
                    },
                    wish.text(),
                )

    def wishes(
        self,
        *,
        numbers: Sequence[str] | None = None,
        names: Collection[str] | None = None,
        unfinished: bool = False,
        running: bool = False,
        limit: int | None = None,
    ) -> list[WishStatus]:
        """Return wishes, the newest first, and those that were asked for together by their numbers."""
        if numbers is not None and not numbers:  # DBOS takes an empty list for no condition
            return []
        with self._open() as client:
            found = client.list_workflows(
                name=WISH,
                workflow_ids=None if numbers is None else list(numbers),
                workflow_id_prefix=None if names is None else [f"{name}." for name in names],
                status=["PENDING"] if running else [*_UNFINISHED] if unfinished else None,
                limit=limit,
                sort_desc=True,
            )
        # The database would return those of one moment in another order after each change.
        by_number = sorted(map(_status, found), key=lambda each: each.id)
        return sorted(by_number, key=lambda each: each.asked_at, reverse=True)

    def counts(self) -> dict[Condition, int]:
        """Return how many wishes are unfinished, by their conditions."""
        row = WORKFLOWS.c
        statement = (
            sa.select(row.status, row.queue_name, sa.func.count().label("wishes"))
            .where(row.name == WISH, row.status.in_(_UNFINISHED))
            .group_by(row.status, row.queue_name)
        )
        counted: Counter[Condition] = Counter()
        with self.database.reading() as connection:
            for each in connection.execute(statement).all():
                counted[_condition(each.status, each.queue_name)] += int(each.wishes)
        return dict(counted)

    def prune(self, older_than: timedelta) -> int:
        """Delete finished workflows that ended before a time ago, with what DBOS keeps of them."""
        count = 0
        with self._open() as client:
            for numbers in prunable(self.database, older_than):
                client.delete_workflows(list(numbers))
                count += len(numbers)
        return count

    def cancel(self, wishes: Sequence[WishStatus], by: str) -> None:
        """Cancel wishes: queued wishes at once, and those that are in hand after their step."""
        with self._open() as client:
            for each in wishes:
                # First, so that a worker which takes it in this moment knows.
                client.update_workflow_attributes(each.id, {CANCEL: by}, merge=True)
            queued = self.wishes(numbers=[each.id for each in wishes], unfinished=True)
            waiting = [each.id for each in queued if each.condition != "running"]
            if waiting:
                client.cancel_workflows(waiting)

    def cancelled(self, numbers: Collection[str]) -> dict[str, str]:
        """Return who asked to cancel which of these wishes."""
        if not numbers:
            return {}
        with self._open() as client:
            found = client.list_workflows(workflow_ids=list(numbers), load_input=False, load_output=False)
        asked = {each.workflow_id: (each.attributes or {}).get(CANCEL) for each in found}
        asked |= {each.workflow_id: "the fleet" for each in found if each.status == "CANCELLED"}
        return {number: str(by) for number, by in asked.items() if by is not None}

    def unfit(self, number: str) -> dict[str, str]:
        """Return the workers that could not begin a wish, each with its reasons."""
        with self._open() as client:
            found = client.list_workflows(workflow_ids=[number], load_input=False, load_output=False)
        return dict((found[0].attributes or {}).get(UNFIT, {})) if found else {}

    def note_unfit(self, number: str, workers: Mapping[str, str]) -> None:
        """Note the workers that could not begin a wish."""
        with self._open() as client:
            client.update_workflow_attributes(number, {UNFIT: dict(workers)}, merge=True)

    def schedule(self, name: str, cron: str) -> None:
        """Add a schedule, or replace it."""
        with self._open() as client:
            client.apply_schedules(
                [
                    {
                        "schedule_name": name,
                        "workflow_name": SCHEDULED,
                        "schedule": cron,
                        "context": name,
                    }
                ]
            )

    def schedules(self) -> list[Schedule]:
        """Return the schedules, by kind."""
        with self._open() as client:
            found = client.list_schedules()
        made = [Schedule(each["schedule_name"], each["schedule"], _fired(each)) for each in found]
        return sorted(made, key=lambda each: each.kind)

    def unschedule(self, name: str) -> None:
        """Remove a schedule."""
        with self._open() as client:
            client.delete_schedule(name)

    @contextmanager
    def _open(self) -> Iterator[DBOSClient]:
        _be_quiet()
        with self.database.translated():
            client = DBOSClient(
                system_database_engine=self.database.engine,
                dbos_system_schema=SCHEMA,
                serializer=PlainText(),
                application_name=APPLICATION,
                lazy=True,
                retry_connection_errors=False,
            )
            try:
                yield client
            except ProgrammingError as error:
                if isinstance(error.orig, InsufficientPrivilege):
                    raise  # the tables are there, and this role was granted nothing
                # A table or a column is missing.
                raise FleetNotMigrated(self.database.where, _NO_TABLES) from error
            finally:
                client.destroy()


def connecting(database: Database) -> str:
    """Return the URL of a database with its password, for DBOS."""
    return database.engine.url.render_as_string(hide_password=False)


def _status(found: WorkflowStatus) -> WishStatus:
    """Return a wish as DBOS keeps it."""
    arguments: Sequence[object] = [] if found.input is None else found.input["args"]
    try:
        wish = Wish.read(str(arguments[0]))
    except InvalidGoal as error:  # of a later version
        name = found.queue_partition_key or found.workflow_id.partition(".")[0]
        wish = Wish(name, Goal(error.goal), "")
    ending = _ending(found)
    condition = _condition(found.status, found.queue_name) if ending is None else ending.condition
    attributes = found.attributes or {}
    unfit = attributes.get(UNFIT, {})
    return WishStatus(
        id=found.workflow_id,
        wish=wish,
        condition=condition,
        version=found.app_version or "",
        worker=found.executor_id,
        attempts=found.recovery_attempts or 0,
        asked_at=_moment(found.created_at) or datetime.fromtimestamp(0, UTC),
        begun_at=_moment(found.dequeued_at),
        ended_at=_moment(found.completed_at),
        ending=ending,
        cancelled_by=str(attributes.get(CANCEL, "")),
        waits_for="; ".join(f"{worker}: {why}" for worker, why in unfit.items()) if ending is None else "",
        is_taken_over=found.queue_name == TAKEOVERS,
    )


def _condition(status: str, queue: str | None) -> Condition:
    condition: Condition = "failed"
    condition = _CONDITIONS.get(status, condition)
    return "taken-over" if condition == "queued" and queue == TAKEOVERS else condition


def _ending(found: WorkflowStatus) -> Granted | None:
    if found.status == "SUCCESS":
        return Granted.read(str(found.output))
    if found.status == "CANCELLED":
        return Granted.cancelled(str((found.attributes or {}).get(CANCEL, "the fleet")))
    if found.status in ("ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"):
        return Granted("failed", code="unexpected", message=str(found.error or found.status), exit_code=1)
    return None


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


def _fired(schedule: WorkflowSchedule) -> datetime | None:
    fired = schedule["last_fired_at"]
    return None if fired is None else datetime.fromisoformat(fired)


def _be_quiet() -> None:
    # DBOS tells each start and each stop; what matters is told by the fleet itself.
    logging.getLogger("dbos").setLevel(logging.CRITICAL)
