"""Move environments from one store to another, with all that belongs to them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from environments.artifacts.archive import digest_of
from environments.artifacts.carried import read, taken
from environments.artifacts.directory import ArtifactDirectory
from environments.artifacts.errors import FilesLost
from environments.artifacts.trees import Travels, Tree
from environments.errors import CannotMove, OperationInterrupted
from environments.model.records import AmendedRecord
from environments.model.states import Created, Destroyed
from environments.model.stored import SCHEMA_VERSION
from environments.ports import (
    BoundToMachine,
    CarriesArtifacts,
    CarriesState,
    KeepsFiles,
    MovesState,
    provider_of,
)
from environments.storage.belongings import Belongings, FileBelongings, KeepsBelongings
from environments.system.clock import SYSTEM_CLOCK
from statechart.errors import AlreadyExists, Locked
from statechart.holder import Holder
from statechart.storage.moving.files import FileHarbour
from statechart.storage.moving.move import Moved, harbour_of, move, unfinished

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment, Artifact
    from environments.storage.stored import StoredRepository
    from statechart.storage.moving.history import Departure, Harbour, Summary


@dataclass(frozen=True, slots=True)
class MovePlan:
    """What a move of an environment would take along.

    Attributes:
        name: The environment.
        state: Its state.
        finishes: Whether an earlier move is only finished.
        traces: The number of traces.
        carries: Whether the provider's own state comes along.
        files: The nouns of the directories whose copies come along, or are made.
    """

    name: str
    state: str = ""
    finishes: bool = False
    traces: int = 0
    carries: bool = False
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Move:
    """A move of environments between two stores.

    Attributes:
        source: The store that has them.
        target: The store that gets them.
    """

    source: StoredRepository
    target: StoredRepository
    _here: Harbour = field(init=False)
    _there: Harbour = field(init=False)
    _sound: set[str] = field(init=False, default_factory=set, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Look at both stores as histories leave and reach them."""
        object.__setattr__(self, "_here", harbour_of(self.source._store))
        object.__setattr__(self, "_there", harbour_of(self.target._store))

    def names(self) -> list[str]:
        """Return the names in the source, and those of moves that were cut off at their last step."""
        return sorted({*self.source.names(), *self.unfinished()})

    def unfinished(self) -> list[str]:
        """Return the names that left the source and did not arrive, since a move was cut off."""
        return unfinished(self._here, self._there)

    def plan(self, name: str) -> MovePlan:
        """Check that an environment can be moved, and return what comes along. Changes nothing.

        Raises:
            NotFound: The source does not have it.
            MovedAway: It was moved already.
            Locked: Somebody holds it.
            OperationInterrupted: A command died in the middle of its work.
            CannotMove: It is bound to its machine, or to its directory.
            CannotPack: Files that have to come along can't be read, or are too large.
            FilesLost: A recorded copy that has to come along is missing or altered.
            AlreadyExists: The target has another of this name.
        """
        if not self.source.exists(name):
            if name in self.unfinished():
                return MovePlan(name, finishes=True)
            # Raises the error that says whether it was ever there.
            move(name, self._here, self._there, known=SCHEMA_VERSION)
        environment = self.source.load(name)
        if (holder := self.source.holder(name)) is not None:
            raise Locked(name, holder)
        if environment.operation is not None and environment.operation.is_active:
            raise OperationInterrupted(name, environment.operation)
        if self.target.exists(name):
            raise AlreadyExists(name, self.target.where)
        self._require_free(environment)
        lineage = environment.lineage
        return MovePlan(
            name,
            environment.state.name,
            traces=len(_belongings_of(self._here).traces(name, lineage)),
            carries=self._state(environment) is not None,
            files=tuple(self._nouns(environment)),
        )

    def carry_out(self, name: str, *, keep: bool = True) -> Moved:
        """Move an environment; if an earlier move was cut off, finish it.

        Until the source lets it go, nothing has changed. In between, no store has the name, and this has
        only to be called again.

        Args:
            name: The environment.
            keep: Keep the history in the source, where no command finds it.

        Raises:
            StorageError: A store can't be read or written; try again.
            StepFailed: The provider's own state can't be read or written.
        """
        if self.plan(name).finishes:
            moved = move(name, self._here, self._there, known=SCHEMA_VERSION, keep=keep)
            environment = self.target.load(name)
            if not environment.artifacts and not _is_over(environment):
                self._record(name, taken(self.target, environment.spec.provider, SYSTEM_CLOCK.now()))
            return moved
        made: dict[str, Artifact] = {}

        def beside(departure: Departure, history: Summary) -> None:
            environment = self.source.load(name)
            made.update(self._artifacts(environment))
            here = _belongings_of(self._here)
            lineage = history.head.lineage
            provider = provider_of(environment)
            belongings = Belongings(
                here.traces(name, lineage),
                here.look(name, lineage),
                self._state(environment),
                None
                if not isinstance(provider, MovesState)
                else lambda place, content: provider.unpack_state(environment, place, content),
            )
            _belongings_of(self._there).store(name, departure.lineage, belongings)

        moved = move(
            name,
            self._here,
            self._there,
            known=SCHEMA_VERSION,
            command="envchart move",
            keep=keep,
            beside=beside,
        )
        self._record(name, made)
        return moved

    def _require_free(self, environment: AnyEnvironment) -> None:
        """Check that nothing of an environment stays behind that its commands need."""
        provider = provider_of(environment)
        if isinstance(environment.state, Created | Destroyed):
            return
        kind = environment.spec.provider.kind
        if isinstance(provider, BoundToMachine):
            raise CannotMove(
                environment.name,
                f"its processes and files are bound to this machine and to {self.source.where}, as with "
                f"every environment of the provider {kind}; destroy it, move it, and bring it up again",
            )
        if isinstance(provider, MovesState) or not isinstance(self.source, KeepsFiles):
            return
        own = _provider_files(self.source.directory(environment.name))
        if own:
            raise CannotMove(
                environment.name,
                f"its provider, {kind}, keeps files in {self.source.directory(environment.name)} "
                f"({', '.join(own)}), and can't bring them along; destroy it first, then move",
            )

    def _state(self, environment: AnyEnvironment) -> bytes | None:
        provider = provider_of(environment)
        if isinstance(self.source, CarriesState):
            carried = self.source.carried_state(environment.name)
            return None if carried is None else carried.content
        if not isinstance(provider, MovesState) or isinstance(environment.state, Destroyed):
            return None
        return provider.packed_state(environment, self.source.directory(environment.name))

    def _nouns(self, environment: AnyEnvironment) -> list[str]:
        """Return the nouns of the files that come along, after checking that they can be read."""
        provider = environment.spec.provider
        found: list[str] = []
        for tree in provider.trees() if isinstance(provider, Travels) else ():
            if tree.field in environment.artifacts:
                self._require_sound(environment, tree)
                found.append(tree.what)
            elif isinstance(self.target, CarriesArtifacts) and tree.is_here and not _is_over(environment):
                digest_of(tree)
                found.append(tree.what)
        return found

    def _require_sound(self, environment: AnyEnvironment, tree: Tree) -> None:
        """Check a recorded copy, once for all environments that have it."""
        digest = environment.artifacts[tree.field].digest
        if digest not in self._sound and not _is_over(environment):
            with TemporaryFile() as file:
                read(_artifacts_of(self.source), environment, tree, file)
            self._sound.add(digest)

    def _artifacts(self, environment: AnyEnvironment) -> dict[str, Artifact]:
        """Copy the artifacts of an environment to the target; return those that were made for it."""
        here, there = _artifacts_of(self.source), _artifacts_of(self.target)
        provider = environment.spec.provider
        for tree in provider.trees() if isinstance(provider, Travels) else ():
            if tree.field in environment.artifacts:
                # A destroyed environment goes without what was lost: no command needs that.
                with suppress(*((FilesLost,) if _is_over(environment) else ())), TemporaryFile() as file:
                    read(here, environment, tree, file)
                    there.put(environment.artifacts[tree.field].digest, file)
        if environment.artifacts or _is_over(environment):
            return {}
        return taken(self.target, environment.spec.provider, SYSTEM_CLOCK.now())

    def _record(self, name: str, made: dict[str, Artifact]) -> None:
        """Record the artifacts that were made for an environment that has arrived."""
        if not made:
            return
        with self.target.open(name, Holder.current("envchart move")) as session:
            environment = session.environment
            amended = environment.with_spec(environment.spec, at=SYSTEM_CLOCK.now(), artifacts=made)
            fields = tuple(f"artifacts.{field}" for field in made)
            session.commit(AmendedRecord(fields=fields, environment=amended))


def _is_over(environment: AnyEnvironment) -> bool:
    return isinstance(environment.state, Destroyed)


def _belongings_of(harbour: Harbour) -> KeepsBelongings:
    if isinstance(harbour, FileHarbour):
        return FileBelongings(harbour)
    # Loaded for a database only, as its packages are an extra.
    rows: KeepsBelongings = import_module("environments.storage.sql.belongings").RowBelongings(harbour)
    return rows


def _artifacts_of(repository: StoredRepository) -> CarriesArtifacts:
    if isinstance(repository, CarriesArtifacts):
        return repository
    assert isinstance(repository, KeepsFiles)
    return ArtifactDirectory.beside(repository.root)


_RECORDS = ("history", "state.json", "drift.json", "traces", "moved.json", ".")


def _provider_files(directory: Path) -> list[str]:
    """Return the names of files in the directory of an environment that are not its record's."""
    try:
        names = sorted(path.name for path in directory.iterdir())
    except FileNotFoundError:
        return []
    return [name for name in names if not name.startswith(_RECORDS)]
