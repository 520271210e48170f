"""A fleet: wishes for environments, carried out by workers on many machines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from environments.artifacts.carried import outdated
from environments.errors import InvalidSelection
from environments.fleet.errors import (
    BoundToMachine,
    FleetUnavailable,
    NoSuchWish,
    NoSuchWorker,
)
from environments.fleet.explaining import explained
from environments.fleet.fitness import BOUND
from environments.fleet.goals import Goal
from environments.fleet.numbers import number_of
from environments.fleet.schedules import RETENTION, Schedule, check_cron, check_kind
from environments.fleet.versions import present
from environments.fleet.wishes import LATEST, PATIENCE, Condition, Submission, Wish, WishStatus
from environments.model.errors import EnvironmentsError, UnreadableSummary
from environments.model.states import EnvironmentState, state_of
from environments.selection import Selection, several
from environments.workspace import Workspace
from statechart.errors import InvalidTransition
from statechart.holder import who
from statechart.storage.sql.urls import is_url, read_url, shown

if TYPE_CHECKING:
    from environments.fleet.engine.client import Client
    from environments.fleet.engine.workers import Workers
    from environments.fleet.worker_status import WorkerStatus
    from environments.model.environment import AnyEnvironment
    from environments.model.states import AnyState
    from statechart.storage.sql.database import Database

DRAINING: Final = timedelta(minutes=5)
"""How long a worker that drains may work on, by default."""

_LOOK: Final = 0.5
_AT_ONCE: Final = 8  # environments that are looked at


class Fleet:
    """The queue of a database and its workers. Every method may be called from any machine.

    Args:
        url: The database of the environments, as `postgresql://host/name`.
        workspace: The environments; by default those of the URL.
        version: The version of the program that asks; by default of this one.

    Raises:
        FleetUnavailable: The store is not PostgreSQL, or the extra `envchart[fleet]` is not installed.
    """

    def __init__(self, url: str, *, workspace: Workspace | None = None, version: str | None = None) -> None:
        require_fleet(url)
        self._url = url
        self._given = workspace
        self._version = version or present()

    def migrate(self) -> None:
        """Make the tables of a fleet, or bring them to the version of this program.

        Raises:
            StorageError: The database can't be used, or the role may not make tables.
        """
        self._client.migrate()

    def submit(
        self,
        chosen: Selection | Iterable[str] | str,
        *,
        to: str | EnvironmentState | type[AnyState] = "running",
        patience: timedelta = PATIENCE,
        by: str | None = None,
    ) -> Submission:
        """Ask for a state of environments, or for a command to be run once.

        Environments whose wish can't be fulfilled are refused, each with its error; all others are
        queued at once, or none if the database fails. A wish for an environment that another process
        holds waits for it, as long as `patience` says.

        Args:
            chosen: A name, several names, or a selection.
            to: A state, or `deploy`, `restart`, `stop`, `retry`, `recover` or `drift`.
            patience: How long a worker waits for another holder of an environment.
            by: The author, whom the records name; by default the user of this process.

        Raises:
            InvalidGoal: There is no such goal.
            NotFound: A name does not exist; nothing was asked for.
            NothingMatches: A pattern of the selection matches no environment.
            InvalidSelection: The selection has no condition.
            FleetNotMigrated: The database has no tables of a fleet.
            StorageError: The database can't be used; nothing was asked for.
        """
        goal = Goal.read(to if isinstance(to, str) else state_of(to).value)
        self._client.check()
        author = by or who()
        names = self._names(chosen)
        hosts = {each.holder.host for each in self._living}
        # Before these have ended, nobody knows from which state a further wish begins.
        busy = {each.name for each in self._client.wishes(unfinished=True)}
        made = Submission()
        wishes: dict[str, Wish] = {}
        notes = [] if hosts else ["no worker is there yet: the wishes wait"]
        asked = {name: goal if name not in busy else None for name in names}
        for name, found in self._looks(asked, hosts):
            if isinstance(found, Exception):
                made.refused[name] = found
                continue
            notes += found
            if goal.takes_new_files and name not in busy:
                notes += self._refreshed(name)
            wishes[number_of(name)] = Wish(name, goal, author, patience)
        if wishes:
            self._client.enqueue(wishes, self._version)
        made.wishes.update({wish.name: number for number, wish in wishes.items()})
        return replace(made, notes=(*notes, *self._told_of_versions()))

    def status(self, names: Collection[str] = ()) -> Sequence[WishStatus]:
        """Return the last wish of each environment, or of these; the newest first.

        Raises:
            NoSuchWish: There is none about an environment with any of the names.
        """
        latest: dict[str, WishStatus] = {}
        for each in self._client.wishes(names=names or None):
            latest.setdefault(each.name, each)
        for name in names:
            if name not in latest:
                raise NoSuchWish(name)
        return self._explained(latest.values())

    def list(self, *, unfinished: bool = False, limit: int | None = None) -> Sequence[WishStatus]:
        """Return the wishes, the newest first."""
        return self._explained(self._client.wishes(unfinished=unfinished, limit=limit))

    def counts(self) -> Mapping[Condition, int]:
        """Return how many wishes are unfinished, by their conditions."""
        return self._client.counts()

    def pulse(self) -> str:
        """Return a string that changes when the last wishes, their counts or the workers do."""
        workers = [replace(each, silent=timedelta()) for each in self._living]
        wishes = self._client.wishes(limit=LATEST)
        return repr((workers, wishes, sorted(self._client.counts().items())))

    def prune(self, *, older_than: timedelta = RETENTION) -> int:
        """Delete wishes that ended before a time ago, and return how many rows of the queue that were.

        Unfinished wishes stay, and so does the last wish for each environment that exists.

        Args:
            older_than: How long wishes are kept after their end.

        Raises:
            FleetNotMigrated: The database has no tables of a fleet.
            StorageError: The database can't be used; some may be deleted.
        """
        self._client.check()
        return self._client.prune(older_than)

    def wishes(self, numbers: Sequence[str]) -> Sequence[WishStatus]:
        """Return the wishes with some numbers."""
        return self._client.wishes(numbers=numbers) if numbers else []

    def cancel(self, asked: Iterable[str] | str, *, by: str | None = None) -> Sequence[WishStatus]:
        """Cancel unfinished wishes, by their numbers or by the names of environments.

        Those that wait are cancelled at once. A command under way ends after its step, as after Ctrl-C,
        and the record says so.

        Raises:
            NoSuchWish: There is no such wish that is unfinished; nothing was cancelled.
        """
        unfinished = self._client.wishes(unfinished=True)
        found: dict[str, WishStatus] = {}
        for word in several(asked):
            meant = [each for each in unfinished if word in (each.id, each.name)]
            if not meant:
                raise NoSuchWish(word, unfinished=True)
            found |= {each.id: each for each in meant}
        self._client.cancel(list(found.values()), by or who())
        return self.wishes(list(found))

    def workers(self) -> Sequence[WorkerStatus]:
        """Return the workers that live, by name, with the environments that each works on."""
        living = self._workers.living()
        busy: dict[str | None, list[str]] = {}
        if living:
            for each in self._client.wishes(running=True):
                busy.setdefault(each.worker, []).append(each.name)
        return [replace(each, busy=tuple(sorted(busy.get(each.id, ())))) for each in living]

    def drain(
        self, names: Iterable[str] | str = (), *, within: timedelta = DRAINING
    ) -> Sequence[WorkerStatus]:
        """Have workers take no more work and end, when their work is done, or handed over after a time.

        Args:
            names: Names or ids of workers; by default all.
            within: How long a worker may work on. What is not done then stops after its step, and goes
                on with another worker.

        Raises:
            NoSuchWorker: No worker that lives has any of the names.
        """
        living, asked = self.workers(), several(names)
        for name in asked:
            if not any(name in (each.name, each.id) for each in living):
                raise NoSuchWorker(name, [each.name for each in living])
        chosen = [each for each in living if not asked or each.name in asked or each.id in asked]
        self._workers.drain([each.id for each in chosen], within)
        return [replace(each, drains=True) for each in chosen]

    def schedule(self, kind: str, cron: str) -> Schedule:
        """Have a kind of work done at times, instead of its earlier schedule.

        Args:
            kind: `drift`, `expires` or `prune`.
            cron: Minute, hour, day, month and weekday, in UTC.

        Raises:
            InvalidSchedule: There is no such kind, or the schedule can't be read.
        """
        check_kind(kind)
        check_cron(cron)
        self._client.check()
        self._client.schedule(kind, cron)
        return Schedule(kind, cron)

    def schedules(self) -> Sequence[Schedule]:
        """Return the schedules."""
        return self._client.schedules()

    def unschedule(self, kind: str) -> None:
        """Remove a schedule; without a schedule, do nothing.

        Raises:
            InvalidSchedule: There is no such kind.
        """
        check_kind(kind)
        self._client.unschedule(kind)

    async def watch(self, numbers: Iterable[str], *, every: float = _LOOK) -> AsyncIterator[WishStatus]:
        """Yield wishes as their conditions change, each for the last time when it is over.

        Args:
            numbers: The numbers of the wishes.
            every: How many seconds to wait between two looks at the database.
        """
        seen: dict[str, tuple[str, str | None]] = {}
        left = list(numbers)
        while left:
            for each in await asyncio.to_thread(self.wishes, left):
                now = (each.condition, each.worker)
                if seen.get(each.id) != now:
                    seen[each.id] = now
                    yield each
                if each.is_over:
                    left.remove(each.id)
            if left:
                await asyncio.sleep(every)

    @property
    def where(self) -> str:
        """The database, without a password."""
        return shown(self._url)

    @cached_property
    def _workspace(self) -> Workspace:
        return self._given or Workspace(self._url)

    @cached_property
    def _database(self) -> Database:
        found: Database = import_module("statechart.storage.sql.database").Database.of(self._url)
        return found

    @cached_property
    def _client(self) -> Client:
        made: Client = import_module("environments.fleet.engine.client").Client(self._database)
        return made

    @cached_property
    def _workers(self) -> Workers:
        self._client.check()
        made: Workers = import_module("environments.fleet.engine.workers").Workers(self._database)
        return made

    def _names(self, chosen: Selection | Iterable[str] | str) -> Sequence[str]:
        if not isinstance(chosen, Selection):
            return list(dict.fromkeys(several(chosen)))
        if chosen.is_empty:
            raise InvalidSelection("the selection has no condition; for all environments, say all=True")
        found = self._workspace.select(chosen)
        # An environment that was destroyed is meant only by its name.
        return [
            each.name
            for each in found
            if chosen.is_by_name or isinstance(each, UnreadableSummary) or each.state.name != "destroyed"
        ]

    def _looks(
        self, asked: Mapping[str, Goal | None], hosts: Collection[str]
    ) -> Iterator[tuple[str, Sequence[str] | Exception]]:
        """Yield each environment with what is worth knowing, or with the reason why its wish is refused."""

        def look(name: str) -> Sequence[str] | Exception:
            try:
                return self._checked(name, asked[name], hosts)
            except (EnvironmentsError, InvalidTransition) as refusal:
                return refusal

        # At once, since workers wait for the last of a thousand before they begin with the first.
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            yield from zip(asked, threads.map(look, asked), strict=True)

    def _checked(self, name: str, goal: Goal | None, hosts: Collection[str]) -> Sequence[str]:
        """Check that a wish makes sense, and the goal, if any; return what is worth knowing."""
        environment: AnyEnvironment = self._workspace.load(name)
        if goal is not None:
            goal.check(environment)
        kind = environment.spec.provider.kind
        if kind in BOUND and len(hosts) > 1:
            raise BoundToMachine(name, kind, hosts)
        holder = self._workspace.holder(name)
        return [] if holder is None else [f"{name} is held, and its wish waits: {holder.describe()}"]

    def _refreshed(self, name: str) -> Sequence[str]:
        """Copy the files of an environment to the store, if they have changed on this machine."""
        environment = self._workspace.load(name)
        if not environment.artifacts or self._workspace.holder(name) is not None:
            return []
        changed = ", ".join(tree.field for tree in outdated(environment))
        if not changed:
            return []
        amending = self._workspace.amend(name, lambda spec: spec, refresh=True)
        with ThreadPoolExecutor(1) as threads:  # the caller may have an event loop of its own
            threads.submit(asyncio.run, amending).result()
        return [f"{name}: copied {changed} to the store, as they are here now"]

    def _told_of_versions(self) -> Sequence[str]:
        versions = {each.version for each in self._workers.living()}
        if not versions or self._version in versions:
            return []
        known = ", ".join(sorted(versions))
        return [f"no worker runs version {self._version} ({known}): the wishes wait for one, or for newer"]

    def _explained(self, wishes: Iterable[WishStatus]) -> Sequence[WishStatus]:
        return explained(wishes, self._workers.living, self._workspace)

    @property
    def _living(self) -> Sequence[WorkerStatus]:
        return self._workers.living()


def require_fleet(url: str) -> None:
    """Check that a store can carry a fleet.

    Raises:
        FleetUnavailable: The store is not PostgreSQL, or the extra `envchart[fleet]` is not installed.
        InvalidUrl: The URL can't be read.
    """
    if not is_url(url):
        raise FleetUnavailable(f"a fleet needs a store in PostgreSQL, and {url} is a directory")
    if read_url(url).dialect != "postgresql":
        raise FleetUnavailable(f"a fleet needs a store in PostgreSQL; {shown(url)} serves one machine only")
    for package, name in (("dbos", "DBOS"), ("sqlalchemy", "SQLAlchemy"), ("psycopg", "psycopg")):
        if find_spec(package) is None:
            raise FleetUnavailable(
                f"a fleet needs {name}, which is not installed", needed="envchart[fleet]"
            )
