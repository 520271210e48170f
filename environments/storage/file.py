"""The default repository: a directory for each environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from environments.model.environment import AnyEnvironment, Environment
from environments.model.fields.actor import checked_actor
from environments.model.names import check_name
from environments.model.provider_kinds import Providers, ProviderSpec
from environments.model.stored import SCHEMA_VERSION
from environments.model.summary import Summary, UnreadableSummary, read_summary
from environments.ports import TRACES
from environments.storage.stored import StoredRepository, StoredSession, folded
from environments.storage.summaries import summaries, summary
from statechart.errors import InvalidName as NotAName, NotFound
from statechart.holder import Holder
from statechart.storage.disk import OwnPath, create_file, make_directory, read_file, translated
from statechart.storage.layout import Layout
from statechart.storage.repository import JsonFileRepository
from statechart.storage.segments.size import DEFAULT, Segment
from statechart.storage.session import Session as StoreSession


class FileRepository(StoredRepository):
    """An EnvironmentRepository in a data directory.

    Each environment has a directory with its journal (`history.jsonl`, the source of truth), its
    document (`state.json`, a projection), its traces, and the files of its provider.

    Args:
        data_dir: The data directory.
        allow_network_filesystem: Accept a directory where locks don't keep other machines out.
        providers: Providers that are neither installed nor registered.
        segment: The size of a segment of the journals.
        actor: The author of the changes; by default the user of this process.

    Raises:
        ValueError: The actor is not a short line of printable characters.
    """

    def __init__(
        self,
        data_dir: str | Path = "data",
        *,
        allow_network_filesystem: bool = False,
        providers: Iterable[type[ProviderSpec]] = (),
        segment: Segment = DEFAULT,
        actor: str | None = None,
    ) -> None:
        known = Providers(providers)
        self._layout = Layout(Path(data_dir).absolute())
        self._files: JsonFileRepository[AnyEnvironment] = JsonFileRepository(
            data_dir,
            Environment,
            fold=folded,
            schema_version=SCHEMA_VERSION,
            allow_network_filesystem=allow_network_filesystem,
            context=known,
            segment=segment,
            actor=None if actor is None else checked_actor(actor),
        )
        super().__init__(self._files, known)

    def open(self, name: str, holder: Holder, timeout: float = 0) -> FileSession:
        """Acquire the environment, and repair its files after a crash."""
        return FileSession(self._opened(name, holder, timeout), self.directory(name), self._providers)

    def summaries(self) -> Iterator[Summary | UnreadableSummary]:
        """Yield a summary of each environment, sorted by name."""
        return summaries(self._layout, read_summary, lambda name: Summary.of(self.load(name)))

    def summary(self, name: str) -> Summary | UnreadableSummary:
        """Return the summary of an environment, as in `summaries`."""
        with suppress(NotAName):
            if self._store.exists(name):  # whether or not environments may have the name
                found = summary(self._layout, name, read_summary, lambda name: Summary.of(self.load(name)))
                if found is not None:
                    return found
        raise NotFound(check_name(name), str(self._layout.root))

    def compress(self, name: str) -> list[Path]:
        """Compress the ended segments of a history, and return the new files."""
        return self._files.compress(check_name(name))

    @property
    def root(self) -> Path:
        """The data directory."""
        return self._layout.root

    def directory(self, name: str) -> Path:
        """Return the directory of an environment."""
        return self._files.directory(name)

    def read_trace(self, name: str, trace: str) -> str | None:
        """Return the text of a trace as records name it, or None if there is none."""
        directory, _, file = trace.rpartition("/")
        if directory != TRACES or file in ("", ".", ".."):
            return None
        place = OwnPath.within(self._layout.root, self.directory(check_name(name))) / TRACES / file
        content = read_file(place)
        return None if content is None else content.decode("utf-8", "replace")


class FileSession(StoredSession):
    """A Session on an environment in files."""

    def __init__(
        self, session: StoreSession[AnyEnvironment], directory: Path, providers: Providers
    ) -> None:
        super().__init__(session, providers)
        self._directory = directory

    def write_trace(self, name: str, text: str) -> str:
        """Store a failure's trace, readable by its owner only."""
        place = OwnPath.within(self._directory.parent, self._directory) / TRACES
        with translated("write the trace", place / name):
            make_directory(place)
            create_file(place / name, text.encode())  # an existing trace is not overwritten
        return f"{TRACES}/{name}"
