"""Files cut off or changed at any byte are loaded exactly as the rules say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from environments.model.environment import AnyEnvironment
from environments.model.records import fold
from environments.storage.file import FileRepository
from statechart.errors import CorruptHistory, StorageError
from statechart.holder import Holder
from statechart.storage import reading
from tests.crash.disk_check import memory_below

DATA = Path(__file__).parents[1] / "formats" / "2" / "data"


class Original:
    """An environment, and its value after each record."""

    def __init__(self, place: Path, name: str) -> None:
        shutil.copytree(DATA / name, place / "data" / name)
        self.repository = FileRepository(place / "data")
        self.name = name
        self.directory = self.repository.directory(name)
        self.journal = (self.directory / "history.jsonl").read_bytes()
        self.document = (self.directory / "state.json").read_bytes()
        entries = [entry.record for entry in self.repository.history(name)]
        self.versions = [fold(entries[: count + 1]) for count in range(len(entries))]
        self.shown: int = json.loads(self.document)["seq"]

    def put(self, journal: bytes, document: bytes) -> None:
        for path in self.directory.iterdir():
            path.unlink()
        (self.directory / "history.jsonl").write_bytes(journal)
        (self.directory / "state.json").write_bytes(document)

    def loaded(self) -> AnyEnvironment | None:
        """Return the value for readers and writers, or None if both are refused without a change."""
        before = self._files()
        try:
            found = self.repository.load(self.name)
        except CorruptHistory:
            with pytest.raises(CorruptHistory):
                self.repository.open(self.name, Holder.current("test"))
            assert self._files() == before
            return None
        with self.repository.open(self.name, Holder.current("test")) as session:
            assert session.environment == found
        return found

    def _files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.directory.iterdir()}


@pytest.fixture(params=["created", "interrupted", "recovered"])
def original(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Original]:
    monkeypatch.setattr(reading, "_PAUSE", 0)  # nobody else writes
    with memory_below(tmp_path) as place:
        yield Original(place, request.param)


def require_exact(original: Original, sizes: Iterable[int]) -> int:
    """Truncate the journal at some sizes, and return the number of successful reads."""
    read = 0
    for size in sizes:
        original.put(original.journal[:size], original.document)
        whole = original.journal[:size].count(b"\n")
        expected = original.versions[whole - 1] if whole >= original.shown else None
        assert original.loaded() == expected, size
        read += expected is not None
    return read


def test_a_journal_cut_off_anywhere_is_read_up_to_there_unless_the_document_shows_more(
    original: Original,
) -> None:
    ends = [at for at, byte in enumerate(original.journal) if byte == 10]
    near = {at + off for at in ends for off in (-1, 0, 1, 2)}

    read = require_exact(original, sorted({0, 1, *near, *range(0, len(original.journal), 41)}))

    assert read >= 1 + (len(original.versions) > original.shown)


@pytest.mark.soak
def test_in_the_long_form_the_journal_is_cut_off_at_every_byte(original: Original) -> None:
    require_exact(original, range(len(original.journal) + 1))


def test_a_document_cut_off_anywhere_is_rebuilt(original: Original) -> None:
    for size in range(0, len(original.document), 9):
        original.put(original.journal, original.document[:size])

        assert original.loaded() == original.versions[-1]
        assert (original.directory / "state.json").read_bytes() == original.document


def unseen(original: Original, places: Iterable[int]) -> set[int]:
    """Change single bytes of the journal, and return the lines of undetected changes."""
    lines = set()
    for place in places:
        content = bytearray(original.journal)
        content[place] ^= 1
        original.put(bytes(content), original.document)
        try:
            loaded = original.repository.load(original.name)
        except StorageError:
            continue
        number = original.journal[:place].count(b"\n") + 1
        if number != len(original.versions) or loaded != original.versions[number - 2]:
            lines.add(number)
    return lines


def test_a_changed_byte_is_seen_unless_it_is_in_a_last_line_that_no_document_shows(
    original: Original,
) -> None:
    last = len(original.versions)
    start = original.journal.rstrip(b"\n").rfind(b"\n") + 1
    places = {*range(0, len(original.journal), 17), *range(start, len(original.journal), 5)}

    assert unseen(original, sorted(places)) == ({last} if original.shown < last else set())


@pytest.mark.soak
def test_in_the_long_form_every_byte_is_changed(original: Original) -> None:
    last = len(original.versions)

    assert unseen(original, range(len(original.journal))) <= ({last} if original.shown < last else set())
