"""A repository of environments in a database: PostgreSQL, or a file of SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import sqlalchemy as sa

from environments.artifacts.scratch import scratch as default_scratch
from environments.model.environment import AnyEnvironment, Environment
from environments.model.fields.actor import checked_actor
from environments.model.names import check_name
from environments.model.provider_kinds import Providers, ProviderSpec
from environments.model.states import Created
from environments.model.stored import SCHEMA_VERSION
from environments.model.summary import Summary, UnreadableSummary
from environments.ports import TRACES as DIRECTORY, CarriedState
from environments.storage.sql.artifacts import ArtifactRows
from environments.storage.sql.driver import COLLECTION
from environments.storage.sql.looking import SUMMARIES
from environments.storage.sql.schema import ENVIRONMENTS
from environments.storage.sql.scratch import Scratch
from environments.storage.sql.session import SqlSession
from environments.storage.sql.states import StateRows
from environments.storage.sql.summing import summary_of
from environments.storage.sql.tables import IDENTITY, LOOKS, STATES, TRACES
from environments.storage.stored import StoredRepository, folded
from environments.system.inherited import LIBPQ, withhold
from statechart.errors import InvalidName as NotAName, StorageError
from statechart.holder import Holder
from statechart.storage.segments.size import DEFAULT, Segment
from statechart.storage.sql.clock import now
from statechart.storage.sql.reading import Names
from statechart.storage.sql.repository import TTL, JsonSqlRepository
from statechart.storage.sql.tables import NAMES

if TYPE_CHECKING:
    from statechart.following.changed import Changed

_PAGE = 500  # lineages that are asked for at once
_COPIED = 20
"""How many of the last traces are copied to the directory of an environment."""


class SqlRepository(StoredRepository):
    """An EnvironmentRepository in a database that several machines share.

    The records, the traces, the last looks and the providers' own states are in the database. The
    directories of the environments are on this machine, and hold what can be made or fetched again.

    Args:
        url: The URL: `postgresql://USER@HOST/DATABASE` or `sqlite:///FILE`.
        scratch: The directory of this machine for the files of the environments; by default
            `$ENVCHART_SCRATCH`, or `~/.cache/envchart`.
        providers: Providers that are neither installed nor registered.
        segment: The size of a segment of the histories.
        actor: The author of the changes; by default the user of this process.
        ttl: The seconds of a lease: so long, other machines wait for a process that died.
        keeps: Keep an environment held between commands that follow each other, until `let_go`.

    Raises:
        InvalidUrl: The URL can't be read, or names a database that is not supported.
        DriverMissing: The packages for it are not installed.
        ValueError: The actor is not a short line of printable characters, or the lease is too short.
    """

    def __init__(
        self,
        url: str,
        scratch: Path | None = None,
        *,
        providers: Iterable[type[ProviderSpec]] = (),
        segment: Segment = DEFAULT,
        actor: str | None = None,
        ttl: float = TTL,
        keeps: bool = False,
    ) -> None:
        known = Providers(providers)
        self._url = url
        self._scratch = scratch
        self._rows: JsonSqlRepository[AnyEnvironment] = JsonSqlRepository(
            url,
            Environment,
            collection=COLLECTION,
            fold=folded,
            schema_version=SCHEMA_VERSION,
            context=known,
            segment=segment,
            actor=None if actor is None else checked_actor(actor),
            ttl=ttl,
            keeps=keeps,
            beside=(TRACES, LOOKS, STATES),
            schema=ENVIRONMENTS,
        )
        rows = self._rows
        if rows.database.file is None:
            withhold(LIBPQ)
        self._names = Names(rows.database, ENVIRONMENTS, rows.collection, rows.where)
        self._artifacts = ArtifactRows(rows.database)
        self._states = StateRows(rows.database)
        self._keeps = keeps
        self._places: dict[str, tuple[str, Path]] = {}
        super().__init__(rows, known)

    @property
    def url(self) -> str:
        """The URL as it was given; a password may be part of it."""
        return self._url

    def create(self, environment: Environment[Created]) -> Environment[Created]:
        """Record a new environment, and make its directory on this machine."""
        created = super().create(environment)
        self._sweep(self._directories(self._identity()))
        self.directory(created.name)
        return created

    def open(self, name: str, holder: Holder, timeout: float = 0) -> SqlSession:
        """Acquire the environment for the time that its lease is renewed."""
        opened = self._opened(name, holder, timeout)
        if self._places.get(name, ("",))[0] != opened.head.lineage:
            self._places.pop(name, None)
        return SqlSession(opened, self._rows.database, self._providers)

    def let_go(self) -> None:
        """Let the environments go that are kept between commands."""
        self._places.clear()
        self._rows.let_go()

    def summaries(self) -> Iterator[Summary | UnreadableSummary]:
        """Yield a summary of each environment, sorted by name."""
        found = self._names.rows(SUMMARIES.where(NAMES.c.collection == self._names.collection))
        for row in sorted(found, key=lambda each: str(each.name)):
            if (summary := summary_of(row, self._loaded)) is not None:
                yield summary

    def summary(self, name: str) -> Summary | UnreadableSummary:
        """Return the summary of an environment, as in `summaries`."""
        with suppress(NotAName):  # whether or not environments may have the name
            for row in self._names.rows(SUMMARIES.where(self._names.of(name))):
                if (summary := summary_of(row, self._loaded)) is not None:
                    return summary
        raise self._names.missing(check_name(name))

    def holders(self) -> Mapping[str, Holder]:
        """Return the holders of all environments that are held, by name, from a single statement."""
        held = sa.select(NAMES.c.name, NAMES.c.holder).where(
            NAMES.c.collection == self._names.collection,
            NAMES.c.holder.is_not(None),
            NAMES.c.lease_until > now(),
        )
        found = ((row.name, Holder.model_validate_json(row.holder)) for row in self._names.rows(held))
        return {name: holder for name, holder in found if holder.is_alive() is not False}

    def changed(self) -> Changed:
        """Return the names of the environments that change, whichever machine changes them."""
        return self._rows.changed()

    def delete(self, expected: AnyEnvironment) -> None:
        """Delete an environment with all that belongs to it, if its revision is as expected."""
        here = self._directories(self._identity())
        super().delete(expected)
        here.discard(expected.lineage)
        if expected.artifacts:
            with suppress(StorageError):  # the next one does it
                self._artifacts.sweep()

    def directory(self, name: str) -> Path:
        """Return the directory of this machine for the files of an environment, made if it is missing.

        It has a copy of the last traces.

        Raises:
            NotFound: The environment does not exist.
            StorageError: The directory can't be made, or the database not be read.
        """
        if (known := self._places.get(name)) is not None:
            return known[1]
        found = self._names.rows(_PLACE, self._names.key(check_name(name)))
        if not found:
            raise self._names.missing(name)
        lineage, here = str(found[0].lineage), self._directories(found[0].identity)
        place = here.make(name, lineage)
        if traces := here.missing(name, lineage, [row.trace for row in found if row.trace is not None]):
            here.keep_traces(name, lineage, self._texts(lineage, traces))
        if self._keeps:  # `open` finds out whether another environment has come in its place
            self._places[name] = lineage, place
        return place

    def read_trace(self, name: str, trace: str) -> str | None:
        """Return the text of a trace as records name it, or None if there is none."""
        directory, _, file = trace.rpartition("/")
        wanted = sa.select(TRACES.c.text).join(NAMES, NAMES.c.lineage == TRACES.c.lineage)
        found = self._names.rows(wanted.where(self._names.of(check_name(name)), TRACES.c.name == file))
        return str(found[0].text) if found and directory == DIRECTORY else None

    def write_look(self, name: str, lineage: str, document: bytes) -> None:
        """Keep the last look at an incarnation of an environment."""
        mine = sa.and_(self._names.of(name), NAMES.c.lineage == lineage)
        with self._names.database.writing() as connection:
            # Kept locked until the look is written, so that a purge takes the look along.
            is_there = sa.select(NAMES.c.lineage).where(mine).with_for_update(read=True)
            if connection.execute(is_there).one_or_none() is None:
                return
            connection.execute(sa.delete(LOOKS).where(LOOKS.c.lineage == lineage))
            connection.execute(sa.insert(LOOKS).values(lineage=lineage, document=document))
            if connection.dialect.name == "postgresql":
                # With the commit, which looks can afford: those who follow look at names, not at looks.
                told = sa.func.pg_notify("envchart", f"{self._names.collection}/{name}")
                connection.execute(sa.select(told))

    def carried_state(self, name: str) -> CarriedState | None:
        """Return the last version of the provider's own state, or None."""
        row = self._names.row(check_name(name), NAMES.c.lineage)
        return self._states.latest(row.lineage)

    def put(self, digest: str, file: BinaryIO) -> None:
        """Store the content of a file under its SHA-256, completely or not at all."""
        self._artifacts.put(digest, file)

    def get(self, digest: str, file: BinaryIO) -> None:
        """Write the content of an artifact to a file."""
        self._artifacts.get(digest, file)

    def drop(self, digest: str) -> None:
        """Delete an artifact. A missing artifact is no error."""
        self._artifacts.drop(digest)

    def _loaded(self, name: str) -> Summary:
        return Summary.of(self.load(name))

    def _texts(self, lineage: str, traces: Iterable[str]) -> dict[str, str]:
        wanted = sa.select(TRACES.c.name, TRACES.c.text).where(
            TRACES.c.lineage == lineage, TRACES.c.name.in_(list(traces))
        )
        return {str(row.name): str(row.text) for row in self._names.rows(wanted)}

    def _identity(self) -> str | None:
        found = self._names.rows(sa.select(_IDENTITY))
        return found[0].identity if found else None

    def _directories(self, identity: str | None) -> Scratch:
        return Scratch((self._scratch or default_scratch()).absolute() / (identity or "unknown"))

    def _sweep(self, here: Scratch) -> None:
        """Remove the directories of environments that were purged on other machines."""
        if not here.is_due():
            return
        here.looked()
        with suppress(StorageError):
            known = [lineage for _, lineage in here.incarnations()]
            here.sweep(set(known) - self._alive(known))

    def _alive(self, lineages: list[str]) -> set[str]:
        pages = (lineages[at : at + _PAGE] for at in range(0, len(lineages), _PAGE))
        wanted = (sa.select(NAMES.c.lineage).where(NAMES.c.lineage.in_(page)) for page in pages)
        return {str(row.lineage) for each in wanted for row in self._names.rows(each)}


_IDENTITY = sa.select(IDENTITY.c.id).limit(1).scalar_subquery().label("identity")

# Built once: that takes longer than asking, and each step asks.
_PLACE = (
    sa.select(_IDENTITY, NAMES.c.lineage, TRACES.c.name.label("trace"))
    .select_from(NAMES.outerjoin(TRACES, TRACES.c.lineage == NAMES.c.lineage))
    .where(NAMES.c.collection == sa.bindparam("collection"), NAMES.c.name == sa.bindparam("name"))
    .order_by(TRACES.c.name.desc())
    .limit(_COPIED)
)
