"""The methods of a workspace that read, wait and follow, and take no lock."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, overload

from environments.errors import NotReached
from environments.events.cursor import Cursor
from environments.events.follow import TOLD, Event, Follower, follow as follow_events, unfolding_of
from environments.execution.runtime import name_of
from environments.following.arrival import arrival
from environments.following.attendance import attendance
from environments.model.environment import AnyEnvironment
from environments.model.errors import UnreadableSummary
from environments.model.states import AnyState, EnvironmentState
from environments.ports import HasUrl, KeepsFiles, last_seq_of, latest_of, readable_of, where_of
from environments.selection import Selection, several
from environments.storage.changed import changed_of
from environments.verbs.opened import Opened, target_of

if TYPE_CHECKING:
    from environments.model.records import HistoryEntry
    from environments.model.summary import Summary
    from environments.ports import Unread
    from statechart.errors import UnusableSegment
    from statechart.following.changed import Changed
    from statechart.following.reader import Unfolding
    from statechart.holder import Holder


class Reading(Opened):
    """Reads environments, waits for them, and follows them."""

    @overload
    async def wait(
        self,
        environment: AnyEnvironment | str,
        *states: type[AnyState] | EnvironmentState,
        timeout: float | None = None,
    ) -> AnyEnvironment: ...

    @overload
    async def wait(
        self,
        environment: AnyEnvironment | str,
        *states: type[AnyState] | EnvironmentState,
        gone: bool,
        timeout: float | None = None,
    ) -> AnyEnvironment | None: ...

    async def wait(
        self,
        environment: AnyEnvironment | str,
        *states: type[AnyState] | EnvironmentState,
        gone: bool = False,
        timeout: float | None = None,
    ) -> AnyEnvironment | None:
        """Wait until an environment is in any of some states. Takes no lock.

        A state that is entered and left again at once counts as well. `gone` waits for the purge, too.
        Observers are told the state at first, and each other state that is seen.

        Args:
            environment: An environment or its name.
            states: The states.
            gone: Whether to return None once the environment is purged.
            timeout: How many seconds to wait.

        Raises:
            StateUnreachable: The chart does not lead to the states any more.
            CommandFailed: A command failed in the meantime.
            OperationInterrupted: The process of a command died.
            NotReached: Time is up.
            ValueError: There is no state to wait for.
        """
        if not states and not gone:
            raise ValueError("name a state to wait for, or gone=True")
        name, wanted = name_of(environment), [target_of(state) for state in states]
        try:
            async with asyncio.timeout(timeout):
                return await arrival(self._repository, name, wanted, gone=gone, tell=self._runtime.tell)
        except TimeoutError as error:
            condition = self.load(name).condition
            listed = [*wanted, *(["gone"] if gone else [])]
            raise NotReached(name, condition=condition, wanted=listed, seconds=timeout or 0) from error

    async def watch(self, environment: AnyEnvironment | str) -> AnyEnvironment | None:
        """Tell the observers the progress of a command that another process runs, until it ends.

        Takes no lock. Commands that the process runs next are followed as well.

        Returns:
            The environment after the command, or None if no command is under way.

        Raises:
            CommandFailed: The command failed.
            OperationInterrupted: The process of the command died.
        """
        runtime = self._runtime
        return await attendance(self._repository, name_of(environment), runtime.tell, runtime.clock)

    def select(self, selection: Selection) -> list[Summary | UnreadableSummary]:
        """Return the summaries of the environments that a selection means, by name.

        Environments that can't be read are meant if nothing but names, or all, is selected.

        Raises:
            NothingMatches: A name or a glob matches no environment.
            UnknownLabel: No environment has a label of a condition.
        """
        known = list(self.summaries())
        selection.check_names(each.name for each in known)
        selection.check_labels(each.labels for each in known if not isinstance(each, UnreadableSummary))
        return [each for each in known if self._is_meant(selection, each)]

    def _is_meant(self, selection: Selection, each: Summary | UnreadableSummary) -> bool:
        if isinstance(each, UnreadableSummary):
            return selection.needs_no_reading and selection.matches_name(each.name)
        operation = each.stored_operation
        held = operation is not None and operation.is_active and self.holder(each.name) is not None
        return selection.picks(each, self._runtime.clock.now(), held=held)

    def load(self, name: str) -> AnyEnvironment:
        """Return the environment as recorded.

        Raises:
            UnknownProvider: Its provider is not installed.
        """
        return self._repository.load(name)

    def names(self) -> list[str]:
        """Return the names of all environments, sorted."""
        return self._repository.names()

    def summaries(self) -> Iterator[Summary | UnreadableSummary]:
        """Yield a summary of each environment, by name, including those that can't be read."""
        return self._repository.summaries()

    def summary(self, name: str) -> Summary | UnreadableSummary:
        """Return the summary of an environment, without reading the others or the whole history.

        Raises:
            InvalidName: The name breaks a rule.
            NotFound: The environment does not exist.
        """
        return self._repository.summary(name)

    def exists(self, name: str) -> bool:
        """Return whether a name is taken."""
        return self._repository.exists(name)

    def history(self, name: str) -> list[HistoryEntry]:
        """Return all records of an environment, oldest first, even if its provider is not installed."""
        return self._repository.history(name)

    def unfolding(
        self, name: str, *, since: datetime | None = None, hold: bool = True
    ) -> Unfolding[Unread]:
        """Return the history of an environment that exists or may come to exist, as it grows.

        Its `read` yields the records since the last call, and `close` ends it.

        Args:
            name: The environment.
            since: A time; parts of the history that ended before may be left out.
            hold: Keep a file open, to read the last records even if the environment is purged meanwhile.
        """
        return unfolding_of(self._repository, name, since=since, hold=hold)

    def last_seq(self, name: str) -> int:
        """Return the number of the last record of an environment, which each record raises by one.

        Raises:
            StorageError: The history can't be read.
            UnknownProvider: The provider is not installed.
        """
        return last_seq_of(self._repository, name)

    def latest(self, name: str, enough: Callable[[HistoryEntry], bool]) -> Iterable[HistoryEntry]:
        """Return the latest records, back to a checkpoint that is enough, or all.

        Earlier segments are not read, and may be missing.
        """
        return latest_of(self._repository, name, enough)

    def readable(self, name: str) -> tuple[Iterator[HistoryEntry], UnusableSegment | None]:
        """Return the records that can be read, and the problem that keeps earlier ones from being read.

        Raises:
            StorageError: The history can't be read at all.
        """
        return readable_of(self._repository, name)

    def changed(self) -> Changed:
        """Return the names of the environments that change, whichever process changes them.

        Iterate over its `names()`: at first all names are yielded, then those that may have changed. To
        leave the iteration early, use `contextlib.aclosing`.
        """
        return changed_of(self._repository)

    async def events(
        self,
        names: Iterable[str] | str = (),
        *,
        since: Cursor | datetime | str | None = None,
        follow: bool = False,
        all_records: bool = False,
    ) -> AsyncGenerator[Event | UnreadableSummary, None]:
        """Yield the transitions of all environments: in order in each, and by time among them.

        Each event carries a cursor. Given to a later call, it goes on behind this event: nothing is
        told twice or left out, also across purges, new environments and new histories. An environment
        that can't be read is yielded once as an `UnreadableSummary`, and the others go on. To leave
        the iteration early, use `contextlib.aclosing`.

        Args:
            names: Names and globs of the environments; by default all, also those created later.
            since: A cursor or its text, or a time with its zone; by default all that happened.
            follow: Go on with the events that happen, until the iteration is left.
            all_records: Yield operations, changes of the spec and steps, too.

        Raises:
            InvalidCursor: The text is not a cursor.
            ValueError: The time has no time zone.
            NothingMatches: A pattern matches no name, and new names are not followed.
            StorageError: The environments can't be listed.
        """
        if isinstance(since, datetime) and since.tzinfo is None:
            raise ValueError(
                f"since has no time zone: {since.isoformat()}; write datetime.now(UTC), for example"
            )
        selection = Selection(several(names))
        if not follow:
            selection.check_names(self.names())
        cursor = Cursor.read(since) if isinstance(since, str) else since
        follower = Follower(
            self._repository,
            wanted=selection.matches_name,
            types=None if all_records else TOLD,
            since=cursor if isinstance(cursor, datetime) else None,
            positions=dict(cursor.positions) if isinstance(cursor, Cursor) else {},
        )
        async with aclosing(follow_events(follower, forever=follow)) as events:
            async for event in events:
                yield event

    def cursor(self) -> Cursor:
        """Return the cursor behind all that has happened, to be told later what happens from now on."""
        follower = Follower(self._repository, types=())
        deque(follower.look(), maxlen=0)
        follower.close()
        return follower.cursor

    def holder(self, name: str) -> Holder | None:
        """Return the current holder of an environment, or None."""
        return self._repository.holder(name)

    @property
    def where(self) -> str:
        """The place of the environments for messages: a directory, or a URL without its password."""
        return where_of(self._repository)

    @property
    def store_url(self) -> str | None:
        """The URL of the database of the environments, as it was given; None in another kind of store."""
        return self._repository.url if isinstance(self._repository, HasUrl) else None

    @property
    def root(self) -> Path | None:
        """The directory below which each environment has its files; None in another kind of store."""
        return self._repository.root if isinstance(self._repository, KeepsFiles) else None

    def directory(self, name: str) -> Path:
        """Return the directory with the environment's files."""
        return self._repository.directory(name)
