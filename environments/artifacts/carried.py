"""Copy the files that a spec names to the store, and use the copies on any machine."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO

from environments.artifacts.archive import digest_of, pack, require_digest
from environments.artifacts.directory import ArtifactDirectory
from environments.artifacts.errors import ArtifactProblem, CannotPack, FilesLost, MachineLacks
from environments.artifacts.scratch import place_of, unpacked
from environments.artifacts.trees import Travels, Tree
from environments.model.environment import Artifact
from environments.ports import CarriesArtifacts, KeepsFiles

if TYPE_CHECKING:
    from environments.model.command_name import CommandName
    from environments.model.environment import AnyEnvironment
    from environments.model.provider_kinds import ProviderSpec
    from environments.ports import EnvironmentRepository


def taken(
    repository: EnvironmentRepository,
    provider: ProviderSpec,
    now: datetime,
    *,
    before: AnyEnvironment | None = None,
    again: Callable[[str], bool] = lambda _field: False,
) -> dict[str, Artifact]:
    """Copy the files that a spec names to a store that carries files, and return the artifacts by field.

    A copy with the content of the last is the last.

    Args:
        repository: The store. One that carries no files keeps the recorded artifacts.
        provider: The spec, with absolute paths.
        now: The present time.
        before: The environment as recorded.
        again: Returns whether to copy the files of a field again although they lie where they lay.

    Raises:
        CannotPack: Files can't be read, or are too large.
        StorageError: The store can't be written.
    """
    artifacts: dict[str, Artifact] = {}
    store = repository if isinstance(repository, CarriesArtifacts) else None
    for tree in provider.trees() if isinstance(provider, Travels) else ():
        last = _last(before, tree)
        if store is not None and tree.is_here and (last is None or again(tree.field)):
            recorded = before.artifacts.get(tree.field) if before is not None else None
            artifacts[tree.field] = _stored(store, tree, recorded, now)
        elif last is not None:
            artifacts[tree.field] = last
    return artifacts


def considered(
    repository: EnvironmentRepository,
    environment: AnyEnvironment,
    provider: ProviderSpec,
    *,
    again: Callable[[str], bool] = lambda _field: False,
) -> dict[str, Artifact]:
    """Return the recorded artifacts that `taken` would keep; of other fields, the files here count."""
    return {
        tree.field: last
        for tree in (provider.trees() if isinstance(provider, Travels) else ())
        if (last := _last(environment, tree)) is not None
        and not (isinstance(repository, CarriesArtifacts) and tree.is_here and again(tree.field))
    }


def _last(before: AnyEnvironment | None, tree: Tree) -> Artifact | None:
    """Return the recorded artifact of the same path."""
    if before is None or not before.artifacts or not isinstance(before.spec.provider, Travels):
        return None
    paths = {each.field: each.path for each in before.spec.provider.trees()}
    return before.artifacts.get(tree.field) if paths.get(tree.field) == tree.path else None


def _stored(store: CarriesArtifacts, tree: Tree, last: Artifact | None, now: datetime) -> Artifact:
    with TemporaryFile() as file:
        found = pack(tree, file)
        # Also if the digest is the last one: another program may have dropped what no record names.
        file.seek(0)
        store.put(found.digest, file)
    if last is not None and last.digest == found.digest:
        return last
    return Artifact(digest=found.digest, size=found.size, machine=socket.gethostname(), packed_at=now)


def placed(
    repository: EnvironmentRepository,
    environment: AnyEnvironment,
    provider: ProviderSpec | None = None,
    *,
    fetched: Collection[str] | None = None,
) -> ProviderSpec:
    """Return a spec whose directories are the recorded copies, unpacked on this machine.

    In a data directory, only the directories that this machine lacks are replaced.

    Args:
        repository: The store of the environment.
        environment: The environment, which names the artifacts.
        provider: Its spec, or another with the same files.
        fetched: The fields whose files are needed; by default all. Others may be missing.

    Raises:
        FilesLost: The copy that is needed is missing or altered.
        StorageError: The store can't be read.
    """
    provider = environment.spec.provider if provider is None else provider
    if not environment.artifacts or not isinstance(provider, Travels):
        return provider
    carries = isinstance(repository, CarriesArtifacts)
    return _placed(
        repository,
        environment,
        provider,
        {tree.field: tree for tree in provider.trees() if carries or not tree.is_here},
        fetched,
    )


def checkable(
    repository: EnvironmentRepository, environment: AnyEnvironment, provider: ProviderSpec
) -> ProviderSpec:
    """Return a new spec for an environment, with the copies of directories that this machine lacks.

    Raises:
        FilesLost: A copy is missing or altered.
        StorageError: The store can't be read.
    """
    if not environment.artifacts or not isinstance(provider, Travels):
        return provider
    trees = {
        tree.field: tree
        for tree in provider.trees()
        if not tree.is_here and _last(environment, tree) is not None
    }
    return _placed(repository, environment, provider, trees, None)


def _placed(
    repository: EnvironmentRepository,
    environment: AnyEnvironment,
    provider: Travels,
    trees: Mapping[str, Tree],
    fetched: Collection[str] | None,
) -> ProviderSpec:
    store = _store(repository)
    places: dict[str, Path] = {}
    for field, tree in trees.items():
        artifact = environment.artifacts.get(field)
        if artifact is None:
            continue
        if store is not None and (fetched is None or field in fetched):
            places[field] = _fetched(store, environment.name, tree, artifact)
        else:
            places[field] = place_of(artifact.digest)
    return provider.placed(places)


def _store(repository: EnvironmentRepository) -> CarriesArtifacts | None:
    if isinstance(repository, CarriesArtifacts):
        return repository
    return ArtifactDirectory.beside(repository.root) if isinstance(repository, KeepsFiles) else None


def read(store: CarriesArtifacts, environment: AnyEnvironment, tree: Tree, file: BinaryIO) -> None:
    """Write the recorded copy of files to a file, verified, and go to its beginning.

    Raises:
        FilesLost: The copy is missing or altered.
        StorageError: The store can't be read.
    """
    artifact = environment.artifacts[tree.field]
    with _told(environment.name, tree, artifact):
        store.get(artifact.digest, file)
        require_digest(file, artifact.digest)


def _fetched(store: CarriesArtifacts, name: str, tree: Tree, artifact: Artifact) -> Path:
    with _told(name, tree, artifact):
        return unpacked(store, artifact.digest)


@contextmanager
def _told(name: str, tree: Tree, artifact: Artifact) -> Iterator[None]:
    try:
        yield
    except ArtifactProblem as error:
        packed = f"on {artifact.machine} at {artifact.packed_at:%Y-%m-%d %H:%M:%SZ}"
        raise FilesLost(name, tree.field, tree.what, str(error), packed, tree.path) from error


def needed(provider: ProviderSpec, command: CommandName) -> frozenset[str]:
    """Return the fields whose files a command needs."""
    if not isinstance(provider, Travels):
        return frozenset()
    return frozenset(tree.field for tree in provider.trees() if command in tree.commands)


def require_machine(environment: AnyEnvironment, command: CommandName) -> None:
    """Check that this machine has the keys, secrets and programs that a command needs.

    Only environments whose files travel are checked, since others were checked where they were created.

    Raises:
        MachineLacks: Something is missing.
    """
    provider = environment.spec.provider
    if environment.artifacts and isinstance(provider, Travels) and (lacking := provider.lacking(command)):
        raise MachineLacks(environment.name, command, socket.gethostname(), lacking)


def outdated(environment: AnyEnvironment) -> list[Tree]:
    """Return the directories of this machine that differ from their recorded copies.

    Only directories of the machine on which the copies were made are compared.
    """
    provider, here = environment.spec.provider, socket.gethostname()
    if not isinstance(provider, Travels):
        return []
    return [
        tree
        for tree in provider.trees()
        if (artifact := environment.artifacts.get(tree.field)) is not None
        and artifact.machine == here
        and tree.is_here
        and _differs(tree, artifact)
    ]


def _differs(tree: Tree, artifact: Artifact) -> bool:
    try:
        return digest_of(tree) != artifact.digest
    except CannotPack:  # told by the command that copies the files
        return False
