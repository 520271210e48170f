"""After any change to the files, a load is right or raises a typed error, and a refusal changes no file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from environments.cli.app import main
from environments.configuration.spec_file import load_spec
from environments.errors import EnvironmentsError
from environments.model.environment import AnyEnvironment
from environments.model.records import fold
from environments.storage.file import FileRepository
from statechart.errors import StatechartError, StorageError
from statechart.holder import Holder
from statechart.storage import reading
from tests.crash.disk_check import memory_below

FORMATS = Path(__file__).parents[1] / "formats"
NAMES = ("history.jsonl", "state.json")
EXPECTED = (StatechartError, EnvironmentsError)
QUICK = settings(
    max_examples=150,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
LONG = settings(QUICK, max_examples=5000)


class Victim:
    """An environment whose files are damaged and restored repeatedly."""

    def __init__(self, directory: Path, name: str) -> None:
        shutil.copytree(FORMATS / "2" / "data", directory / "data")
        self.name = name
        self.repository = FileRepository(directory / "data")
        self.place = self.repository.directory(name)
        self.files = {each: (self.place / each).read_bytes() for each in NAMES}
        entries = self.repository.history(name)
        self.versions = [fold(entry.record for entry in entries[: end + 1]) for end in range(len(entries))]

    def damage(self, file: str, content: bytes) -> None:
        """Restore all files except one."""
        for path in self.place.iterdir():
            path.unlink()
        for each, whole in self.files.items():
            (self.place / each).write_bytes(content if each == file else whole)

    def content(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.place.iterdir()}

    def check(self, *, earlier: bool) -> str:
        """Read and open the environment; check and return the outcome.

        `earlier` allows a former version: records may have been torn off.
        """
        before = self.content()
        try:
            loaded = self.repository.load(self.name)
            self.repository.history(self.name)
        except StorageError:
            self._refuse_opening(before)
            return "refused"
        self._require_right(loaded, earlier=earlier)
        assert self.content() == before
        with self.repository.open(self.name, Holder.current("fuzz")) as session:
            self._require_right(session.environment, earlier=earlier)
        self._require_right(self.repository.load(self.name), earlier=earlier)
        return "right"

    def _refuse_opening(self, before: dict[str, bytes]) -> None:
        assert self.content() == before
        with pytest.raises(StorageError):
            self.repository.open(self.name, Holder.current("fuzz"))
        assert self.content() == before

    def _require_right(self, loaded: AnyEnvironment, *, earlier: bool) -> None:
        right = self.versions if earlier else self.versions[-1:]
        assert loaded in right, f"{loaded} is none that it was"


@pytest.fixture(autouse=True)
def _nobody_else_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_PAUSE", 0)


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    with memory_below(tmp_path_factory.mktemp("fuzz")) as place:
        yield Victim(place, "recovered")


@pytest.mark.parametrize("name", ["created", "recovered"])
@pytest.mark.parametrize("file", NAMES)
def test_every_truncation_is_refused_or_right(tmp_path: Path, name: str, file: str) -> None:
    victim = Victim(tmp_path, name)
    whole = victim.files[file]
    stride = 7 if name == "created" else 29  # the long form takes each byte

    outcomes = set()
    for size in range(0, len(whole), stride):
        victim.damage(file, whole[:size])
        outcomes.add(victim.check(earlier=file == "history.jsonl"))

    assert "right" in outcomes or file == "history.jsonl"


@pytest.mark.soak
@pytest.mark.parametrize("name", ["interrupted", "recovered", "failed"])
@pytest.mark.parametrize("file", NAMES)
def test_in_the_long_form_every_truncation_and_flip_is_refused_or_right(
    tmp_path: Path, name: str, file: str
) -> None:
    victim = Victim(tmp_path, name)
    whole = victim.files[file]
    for at in range(len(whole)):
        victim.damage(file, whole[:at])
        victim.check(earlier=file == "history.jsonl")
        victim.damage(file, whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        check_mutation(victim, file)


def check_mutation(victim: Victim, file: str) -> None:
    """Check a mutated file.

    A change in the last line of the journal, after the document's record, can't be detected: the chain has
    no next link there. Every earlier change can.
    """
    before, after = victim.files[file], (victim.place / file).read_bytes()
    last = before.rstrip(b"\n").rfind(b"\n") + 1
    behind = json.loads(victim.files["state.json"])["journal_size"] < len(victim.files["history.jsonl"])
    if file == "history.jsonl" and behind and after.startswith(before[:last]):
        try:
            victim.repository.load(victim.name)
        except StorageError:
            return
        return
    victim.check(earlier=file == "history.jsonl" and before.startswith(after))


def mutations(whole: bytes) -> st.SearchStrategy[bytes]:
    """Return possible damages: changed, inserted or lost bytes; swapped, repeated or lost lines."""
    place = st.integers(0, len(whole) - 1)
    lines = whole.splitlines(keepends=True)
    line = st.integers(0, len(lines) - 1)

    def flip(at: int, by: int) -> bytes:
        return whole[:at] + bytes([whole[at] ^ by]) + whole[at + 1 :]

    def swap(one: int, other: int) -> bytes:
        swapped = list(lines)
        swapped[one], swapped[other] = swapped[other], swapped[one]
        return b"".join(swapped)

    def without(at: int) -> bytes:
        return b"".join(lines[:at] + lines[at + 1 :])

    def doubled(at: int) -> bytes:
        return b"".join([*lines[:at], lines[at], *lines[at:]])

    odd = st.sampled_from(
        [b"\0", b"\xff", b"\xef\xbb\xbf", b"\r\n", b"\n\n", b"{}\n", b"null", b"[" * 500, b"9" * 400]
    )
    return st.one_of(
        st.builds(flip, place, st.integers(1, 255)),
        st.builds(lambda at, more: whole[:at] + more + whole[at:], place, odd | st.binary(max_size=40)),
        st.builds(lambda at, size: whole[:at] + whole[at + size :], place, st.integers(1, 200)),
        st.builds(swap, line, line),
        st.builds(without, line),
        st.builds(doubled, line),
        st.builds(_retyped, st.just(lines), line, odd_values),
        st.binary(max_size=200),
    )


odd_values = st.sampled_from([None, True, -1, 0, 2**70, 1.5, "", "running", [], {}, {"name": "running"}])


def _retyped(lines: list[bytes], number: int, value: Any) -> bytes:
    """Change a value in a line that is a JSON object, or anywhere in a document."""
    try:
        record = json.loads(lines[number])
        whole, rest = record, lines
    except ValueError:
        whole, rest, number = json.loads(b"".join(lines)), [b""], 0
    key = sorted(whole)[len(str(value)) % len(whole)]
    whole[key] = value
    changed = json.dumps(whole, separators=(",", ":")).encode() + b"\n"
    return b"".join([*rest[:number], changed, *rest[number + 1 :]])


def fuzzed(victim: Victim, file: str, content: bytes) -> None:
    victim.damage(file, content)
    check_mutation(victim, file)


@pytest.mark.parametrize("file", NAMES)
def test_every_mutation_is_refused_or_right(victim: Victim, file: str) -> None:
    QUICK(given(content=mutations(victim.files[file]))(lambda content: fuzzed(victim, file, content)))()


@pytest.mark.soak
@pytest.mark.parametrize("file", NAMES)
def test_in_the_long_form_every_mutation_is_refused_or_right(victim: Victim, file: str) -> None:
    LONG(given(content=mutations(victim.files[file]))(lambda content: fuzzed(victim, file, content)))()


@pytest.mark.parametrize("file", NAMES)
def test_the_command_line_reports_damage_and_never_crashes(
    victim: Victim, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data-dir", str(victim.place.parent)]

    def tried(content: bytes) -> None:
        victim.damage(file, content)
        for words in (["show", victim.name], ["list"], ["history", victim.name], ["verify", victim.name]):
            assert main([*data, *words]) in (0, 7, 8), capsys.readouterr()
        capsys.readouterr()

    settings(QUICK, max_examples=25)(given(content=mutations(victim.files[file]))(tried))()


SPEC = b"""\
name: web
description: a host
provider:
  kind: local
  app: /srv/app
  port: 8000
  env:
    GREETING: hello
    PASSWORD: {env: DB_PASSWORD}
  files:
    app.conf: |
      a = 1
"""
ODD_YAML = [
    b"!!python/object/apply:os.system ['true']",
    b"a: &a [*a]",
    b"&a [*a, *a]",
    b"? [1, 2]\n: 3",
    b"--- a\n--- b",
    b"\t",
    b"%YAML 9.9\n---\n",
    b"{" * 300,
    b"name: 2026-01-01",
    b"<<: *nothing",
]


def tried_spec(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        load_spec(path)
    except EXPECTED:
        return


def specs() -> st.SearchStrategy[bytes]:
    place = st.integers(0, len(SPEC))
    more = st.sampled_from(ODD_YAML) | st.binary(max_size=30)
    return st.one_of(
        st.builds(lambda at, odd: SPEC[:at] + odd + SPEC[at:], place, more),
        st.builds(lambda at, size: SPEC[:at] + SPEC[at + size :], place, st.integers(1, 60)),
        st.sampled_from(ODD_YAML),
        st.binary(max_size=300),
    )


def test_every_file_of_a_spec_is_read_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "env.yaml"

    settings(QUICK, max_examples=400)(given(content=specs())(lambda content: tried_spec(path, content)))()


def test_every_truncation_of_a_spec_is_read_or_refused(tmp_path: Path) -> None:
    for size in range(len(SPEC) + 1):
        tried_spec(tmp_path / "env.yaml", SPEC[:size])
