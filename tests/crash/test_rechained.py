"""Histories whose chain is intact, with content that this program never writes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from loguru import logger

from environments.cli.app import main
from environments.model.stored import SCHEMA_VERSION
from environments.storage.file import FileRepository
from statechart.errors import CorruptHistory, NewerSchema
from statechart.storage import reading

DATA = Path(__file__).parents[1] / "formats" / "2" / "data"
NAMES = ("failed", "interrupted", "recovered", "torn", "amended")
READS = (["show"], ["history"], ["verify"], ["why"], ["logs"], ["recover", "--dry-run"], ["--json", "show"])
GONE = object()
ODD = [
    *(None, True, -1, 0, 2**70, -(2**63), 10**400, 1e308, 1.5, "", "running", "x" * 5000, "\0\x1b[31m"),
    *([], {}, {"name": "running"}, [[[[]]]], "2026-13-45T00:00:00Z"),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
    *("PT9999999999999S", "P1Y", "../../etc/passwd", GONE),
]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    yield
    logger.remove()
    for package in ("environments", "statechart"):
        logger.disable(package)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileRepository:
    monkeypatch.setattr(reading, "_PAUSE", 0)  # nobody else writes
    shutil.copytree(DATA, tmp_path / "data")
    return FileRepository(tmp_path / "data")


def records(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name / "history.jsonl").read_bytes().splitlines()]


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the places of all values in a piece of JSON."""
    parts = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [place, *(below for key, part in parts for below in places(part, (*place, key)))]


def changed(record: dict[str, Any], place: tuple[Any, ...], value: Any) -> dict[str, Any]:
    copy: Any = json.loads(json.dumps(record))
    *way, last = place
    part = copy
    for key in way:
        part = part[key]
    if value is GONE:
        del part[last]
    else:
        part[last] = value
    return dict(copy)


def rechained(repository: FileRepository, name: str, written: list[dict[str, Any]]) -> None:
    """Write records as a history with matching hashes, without a document."""
    content, before = b"", written[0].get("prev")
    for record in written:
        line = json.dumps({**record, "prev": before}).encode() + b"\n"
        content, before = content + line, sha256(line).hexdigest()
    (repository.directory(name) / "history.jsonl").write_bytes(content)
    (repository.directory(name) / "state.json").unlink(missing_ok=True)


@st.composite
def histories(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    name = draw(st.sampled_from(NAMES))
    written = records(name)
    at = draw(st.integers(0, len(written) - 1))
    place = draw(st.sampled_from([place for place in places(written[at]) if place and place != ("prev",)]))
    odd = draw(st.sampled_from(ODD))
    written[at] = changed(written[at], place, odd)
    return name, written


def read(repository: FileRepository, history: tuple[str, list[dict[str, Any]]]) -> None:
    """Read a history in every way; any content is shown or refused, and no file is changed."""
    name, written = history
    rechained(repository, name, written)
    directory = repository.directory(name)
    before = (directory / "history.jsonl").read_bytes()
    kinds = {record["value"]["spec"]["provider"]["kind"] for record in written if _has_kind(record)}
    told = (0, 7, 8) if kinds <= {"local"} else (0, 2, 7, 8)  # 2: a provider that is not installed
    for words in READS:
        assert main([*words, name, "--data-dir", str(directory.parent)]) in told, words
    assert main(["list", "--data-dir", str(directory.parent)]) in (0, 7)
    assert [path.name for path in directory.iterdir()] == ["history.jsonl"]
    assert (directory / "history.jsonl").read_bytes() == before
    (directory / "history.jsonl").write_bytes((DATA / name / "history.jsonl").read_bytes())


def _has_kind(record: dict[str, Any]) -> bool:
    try:
        return isinstance(record["value"]["spec"]["provider"]["kind"], str)
    except (KeyError, TypeError, IndexError):
        return False


QUICK = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def test_any_content_of_a_sound_chain_is_shown_or_refused(repository: FileRepository) -> None:
    QUICK(given(histories())(lambda history: read(repository, history)))()


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_in_the_long_form_any_content_of_a_sound_chain_is_shown_or_refused(
    repository: FileRepository,
) -> None:
    settings(QUICK, max_examples=3000)(given(histories())(lambda history: read(repository, history)))()


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_moment_that_utc_can_not_express_is_refused(repository: FileRepository, moment: str) -> None:
    first = records("created")[0]

    rechained(repository, "created", [changed(first, ("at",), moment)])

    with pytest.raises(CorruptHistory, match="outside of the years 1 to 9999"):
        repository.load("created")


@pytest.mark.parametrize("version", [0, -1, -(2**70), True, 1.0, "1", None])
def test_a_schema_version_before_the_first_or_of_another_type_is_refused(
    repository: FileRepository, version: object
) -> None:
    first = records("created")[0]

    rechained(repository, "created", [changed(first, ("schema_version",), version)])

    with pytest.raises(CorruptHistory, match="schema_version"):
        repository.load("created")


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 2**70])
def test_a_later_schema_version_is_refused_as_newer(repository: FileRepository, version: int) -> None:
    first = records("created")[0]

    rechained(repository, "created", [changed(first, ("schema_version",), version)])

    with pytest.raises(NewerSchema):
        repository.load("created")


@pytest.mark.parametrize("key", ["seq", "revision"])
@pytest.mark.parametrize("number", [True, 1.0])
def test_a_number_of_another_type_is_refused(repository: FileRepository, key: str, number: object) -> None:
    first = records("created")[0]

    rechained(repository, "created", [changed(first, (key,), number)])

    with pytest.raises(CorruptHistory, match=key):
        repository.load("created")
